using EdgeCache.Edge.Compression;
using Microsoft.Extensions.Primitives;

namespace EdgeCache.Edge.Tests.Compression;

/// <summary>What a field accepts, in thousandths: identity, gzip, lz4, zstd.</summary>
public sealed class AcceptEncodingTests
{
    [Theory]
    [InlineData(null, 1, 0, 0, 0)]
    [InlineData("", 1, 0, 0, 0)]
    [InlineData("identity", 1000, 0, 0, 0)]
    [InlineData("gzip", 1, 1000, 0, 0)]
    [InlineData("x-gzip", 1, 1000, 0, 0)]
    [InlineData("GZip", 1, 1000, 0, 0)]
    [InlineData("gzip,deflate", 1, 1000, 0, 0)]
    [InlineData("gzip, deflate, br, zstd", 1, 1000, 0, 1000)]
    [InlineData("zstd,gzip", 1, 1000, 0, 1000)]
    [InlineData("lz4;q=0.9, zstd;q=0.8, gzip ; q=0.123, identity;q=0", 0, 123, 900, 800)]
    [InlineData("zstd;Q=1.000", 1, 0, 0, 1000)]
    [InlineData("zstd;q=0.", 1, 0, 0, 0)]
    [InlineData("zstd;q=1.", 1, 0, 0, 1000)]
    [InlineData("*", 1000, 1000, 0, 1000)]
    [InlineData("*;q=0", 0, 0, 0, 0)]
    [InlineData("*;q=0.5, gzip;q=0, identity", 1000, 0, 0, 500)]
    [InlineData("gzip, *;q=0", 0, 1000, 0, 0)]
    [InlineData("identity;q=0, *;q=0", 0, 0, 0, 0)]
    [InlineData("br;q=1, deflate", 1, 0, 0, 0)]
    [InlineData("gzip;q=0, gzip", 1, 0, 0, 0)]
    [InlineData("gzip, x-gzip;q=0", 1, 0, 0, 0)]
    [InlineData("gzip;q=0.4, gzip;q=0.6", 1, 400, 0, 0)]
    [InlineData(",, ,gzip,", 1, 1000, 0, 0)]
    public void The_weights_are_those_of_the_field(string? field, int identity, int gzip, int lz4, int zstd) =>
        Weights(field).ShouldBe((identity, gzip, lz4, zstd));

    [Theory]
    [InlineData("gzip;q=2")]
    [InlineData("gzip;q=1.001")]
    [InlineData("gzip;q=-1")]
    [InlineData("gzip;q=0.1234")]
    [InlineData("gzip;q=0,5")]
    [InlineData("gzip;q=.5")]
    [InlineData("gzip;q=1e0")]
    [InlineData("gzip;q =1")]
    [InlineData("gzip;q=0.5;x=1")]
    [InlineData("gzip;")]
    [InlineData("gzip;level=9")]
    [InlineData("gzip zstd")]
    [InlineData("\"gzip\"")]
    [InlineData(";q=1")]
    [InlineData("gzip;q=\u0661")]
    public void What_can_t_be_understood_asks_for_nothing(string field) => Weights(field).ShouldBe((1, 0, 0, 0));

    [Fact]
    public void A_member_that_can_t_be_understood_leaves_the_others() => Weights("zstd;q=x, gzip;q=0.5").ShouldBe((1, 500, 0, 0));

    [Fact]
    public void Several_lines_are_one_field() => Weights(new StringValues(["gzip;q=0.5", "zstd, identity;q=0"])).ShouldBe((0, 500, 0, 1000));

    [Fact]
    public void A_field_beyond_the_limits_asks_for_nothing()
    {
        Weights("gzip," + new string('a', 1024)).ShouldBe((1, 0, 0, 0));
        Weights("gzip" + string.Concat(Enumerable.Repeat(",", 64))).ShouldBe((1, 0, 0, 0));
    }

    [Fact]
    public void Reading_takes_no_memory()
    {
        StringValues field = "gzip;q=0.8, deflate, br;q=0.1, zstd, *;q=0";
        AcceptEncoding.Parse(field);
        var before = GC.GetAllocatedBytesForCurrentThread();
        var sum = 0;
        for (var i = 0; i < 1000; i++)
            sum += AcceptEncoding.Parse(field).QualityOf(ContentCoding.Zstd);
        (GC.GetAllocatedBytesForCurrentThread() - before).ShouldBe(0);
        sum.ShouldBe(1_000_000);
    }

    private static (int Identity, int Gzip, int Lz4, int Zstd) Weights(StringValues field)
    {
        var accept = AcceptEncoding.Parse(field);
        return (accept.QualityOf(ContentCoding.Identity), accept.QualityOf(ContentCoding.Gzip), accept.QualityOf(ContentCoding.Lz4), accept.QualityOf(ContentCoding.Zstd));
    }
}
