using EdgeCache.Codecs;
using EdgeCache.Edge.Compression;
using EdgeCache.TestKit;

namespace EdgeCache.Edge.Tests.Compression;

/// <summary>That a gzip body is whole, and nothing follows it, whatever the pieces are in which it comes.</summary>
public sealed class GzipDecoderTests
{
    private static readonly byte[] One = Coder.Encode("gzip", Contents.Text(50_000));
    private static readonly byte[] Two = Coder.Encode("gzip", Contents.Text(1_000, seed: 1));
    private static readonly byte[] Empty = Coder.Encode("gzip", []);

    public static TheoryData<int> Pieces => [1, 2, 7, 4096, 8192, 1_000_000];

    [Theory]
    [MemberData(nameof(Pieces))]
    public void One_member_and_several_give_their_content(int piece)
    {
        Decode(One, piece).ShouldBe(Contents.Text(50_000));
        Decode([.. One, .. Two, .. Empty, .. Two], piece).ShouldBe([.. Contents.Text(50_000), .. Contents.Text(1_000, seed: 1), .. Contents.Text(1_000, seed: 1)]);
    }

    [Fact]
    public void A_member_of_nothing_is_whole() => Decode(Empty, 7).ShouldBe([]);

    [Fact]
    public void Nothing_at_all_is_not() => Decode([], 7).ShouldBeNull();

    [Theory]
    [MemberData(nameof(Pieces))]
    public void What_ends_too_early_is_not_whole_wherever_that_is(int piece)
    {
        for (var cut = 1; cut < Two.Length; cut++)
        {
            Decode(Two[..^cut], piece).ShouldBeNull($"{cut} bytes are missing");
            Decode([.. Empty, .. Two[..^cut]], piece).ShouldBeNull($"{cut} bytes of the second member are missing");
        }
    }

    [Theory]
    [MemberData(nameof(Pieces))]
    public void What_follows_the_last_member_makes_it_invalid(int piece)
    {
        foreach (var rest in (byte[][])[[0], [0, 0, 0, 0], [0x1F], [0x1F, 0x8B], [0x1F, 0x8B, 8, 0], [.. "garbage"u8], new byte[20_000]])
        {
            Decode([.. Two, .. rest], piece).ShouldBeNull(Convert.ToHexString(rest));
            Decode([.. One, .. rest], piece).ShouldBeNull(Convert.ToHexString(rest));
        }
    }

    [Fact]
    public void A_changed_byte_is_found()
    {
        // Time stamp, flags for how hard it was compressed, and the system are in the header, and mean nothing.
        for (var at = 0; at < Two.Length; at++)
        {
            if (at is >= 4 and < 10)
                continue;
            var changed = (byte[])Two.Clone();
            changed[at] ^= 0x55;
            Decode(changed, 4096).ShouldBeNull($"byte {at}");
        }
    }

    [Fact]
    public void No_more_than_the_limit_is_given_out()
    {
        using var decoder = new GzipDecoder(49_999);
        var buffer = new byte[30_000];
        var left = One.AsSpan();
        var (status, total) = (CodecStatus.Ok, 0);
        while (status is CodecStatus.Ok or CodecStatus.NeedsOutput)
        {
            var step = decoder.Decode(left, buffer);
            left = left[step.Consumed..];
            total += step.Produced;
            status = step.Status;
        }
        status.ShouldBe(CodecStatus.TooLarge);
        total.ShouldBe(49_999);
    }

    [Fact]
    public void Content_as_long_as_the_limit_is_good() => Decode(One, 1000, limit: 50_000).ShouldBe(Contents.Text(50_000));

    private static byte[]? Decode(byte[] payload, int piece, long limit = long.MaxValue)
    {
        using var decoder = new GzipDecoder(limit);
        using var content = new MemoryStream();
        var buffer = new byte[10_000];
        for (var at = 0; at < payload.Length; at += piece)
        {
            var left = payload.AsSpan(at, Math.Min(piece, payload.Length - at));
            while (true)
            {
                var step = decoder.Decode(left, buffer);
                content.Write(buffer, 0, step.Produced);
                left = left[step.Consumed..];
                if (step.Status == CodecStatus.NeedsInput)
                    break;
                if (step.Status != CodecStatus.NeedsOutput)
                    return null;
            }
        }
        return decoder.IsComplete ? content.ToArray() : null;
    }
}
