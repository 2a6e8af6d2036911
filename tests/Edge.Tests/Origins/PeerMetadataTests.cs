using System.Buffers.Text;
using System.Net;
using System.Text;
using EdgeCache.Edge.Delivery;
using EdgeCache.Storage;
using EdgeCache.TestKit;

namespace EdgeCache.Edge.Tests.Origins;

/// <summary>What one node tells another of a blob.</summary>
public sealed class PeerMetadataTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("""{"headers":[["set-cookie","a=b"]]}""")]
    [InlineData("""{"headers":[["content-length","1"]]}""")]
    [InlineData("""{"headers":[["x-content-type-options","sniff"]]}""")]
    [InlineData("""{"headers":[["x-accel-redirect","/etc"]]}""")]
    [InlineData("""{"headers":[["x-a\r\nb","c"]]}""")]
    [InlineData("""{"headers":[["X-A","c"]]}""")]
    [InlineData("""{"headers":[["x-a","b\r\nSet-Cookie: c"]]}""")]
    [InlineData("""{"headers":[["x-a"]]}""")]
    [InlineData("""{"headers":"x-a"}""")]
    [InlineData("""{"tags":[""]}""")]
    [InlineData("""{"tags":[null]}""")]
    [InlineData("""{"tags":["a\nb"]}""")]
    [InlineData("""{"writer":5}""")]
    [InlineData("""{"fields":[["1","AA=="]]}""")]
    [InlineData("""{"fields":[["40000","AA=="]]}""")]
    [InlineData("""{"fields":[["900","not base64"]]}""")]
    [InlineData("""[]""")]
    [InlineData("""{"a":""")]
    [InlineData("""{"a":[[[[[[1]]]]]]}""")]
    public async Task What_must_not_be_kept_is_a_bad_request(string json)
    {
        await using var node = await TestNode.StartAsync(OriginNodes.Namespaces);
        using var answer = await node.PutAsync("/cache/test/k", [1], (MetadataField.Name, Base64Url.EncodeToString(Encoding.UTF8.GetBytes(json))));
        answer.StatusCode.ShouldBe(HttpStatusCode.BadRequest);
        (await node.GetAsync("/cache/test/k")).StatusCode.ShouldBe(HttpStatusCode.NotFound);
    }

    [Theory]
    [InlineData(10)]
    [InlineData(22_000)]
    public async Task What_is_no_metadata_is_a_bad_request(int length)
    {
        await using var node = await TestNode.StartAsync(OriginNodes.Namespaces);
        using var answer = await node.PutAsync("/cache/test/k", [1], (MetadataField.Name, new string('A', length)));
        answer.StatusCode.ShouldBe(HttpStatusCode.BadRequest);
    }

    [Theory]
    [InlineData(3_500_000, 4)]
    [InlineData(1000, 0)]
    public async Task The_checksums_of_the_blocks_of_a_large_blob_travel_with_it(int length, int blocks)
    {
        await using var origin = await TestNode.StartAsync(OriginNodes.Namespaces);
        await using var front = await OriginNodes.StartFrontAsync([origin.Client.BaseAddress!]);
        var content = Blobs.Bytes(length);
        (await origin.PutAsync("/cache/test/k", content)).StatusCode.ShouldBe(HttpStatusCode.Created);

        foreach (var part in (ByteRange[])[ByteRange.Whole, new(100, 500)])
        {
            await using var reader = (await front.Store().OpenReadAsync(Blobs.Key("k"), part, Cancel)).Value.ShouldNotBeNull();
            var checksums = reader.Metadata.Checksums;
            (checksums?.Count ?? 0).ShouldBe(blocks);
            for (var i = 0; i < blocks; i++)
                checksums![i].ShouldBe(Crc32C.Of(content.AsSpan(i << 20, Math.Min(1 << 20, length - (i << 20)))));
        }
        using var got = await front.GetAsync("/cache/test/k", ("Range", "bytes=100-599"));
        (await got.Content.ReadAsByteArrayAsync(Cancel)).ShouldBe(content[100..600]);
    }

    [Fact]
    public async Task It_is_told_only_to_whom_asks()
    {
        await using var node = await TestNode.StartAsync(OriginNodes.Namespaces);
        (await node.PutAsync("/cache/test/k", [1])).Headers.Contains(MetadataField.Name).ShouldBeFalse();
        (await node.GetAsync("/cache/test/k")).Headers.Contains(MetadataField.Name).ShouldBeFalse();
        using var told = await node.GetAsync("/cache/test/k", (MetadataField.Name, MetadataField.Ask));
        MetadataField.TryRead(told.Headers.GetValues(MetadataField.Name).Single()).ShouldNotBeNull().Writer.ShouldBe("token");
    }

    [Fact]
    public async Task More_than_goes_into_a_header_is_refused_before_it_is_sent()
    {
        await using var origin = await TestNode.StartAsync(OriginNodes.Namespaces);
        await using var front = await OriginNodes.StartFrontAsync([origin.Client.BaseAddress!]);
        var options = new PutOptions { Tags = [new string('a', 8000)], StoredHeaders = [new("x-a", new string('b', 8000))], UnknownFields = [new UnknownField(900, new byte[2000])] };
        (await front.Store().OpenWriteAsync(Blobs.Key("k"), options, Cancel)).Status.ShouldBe(StoreStatus.TooLarge);

        var fits = options with { UnknownFields = [] };
        (await front.Store().PutAsync(Blobs.Key("k"), [1], fits)).Status.ShouldBe(StoreStatus.Ok);
        var metadata = (await front.Store().GetAsync(Blobs.Key("k"))).Metadata;
        metadata.Tags.ShouldBe(fits.Tags);
        metadata.StoredHeaders.ShouldBe(fits.StoredHeaders);
    }

    [Fact]
    public async Task The_origins_namespace_decides_what_is_replaced_and_what_a_key_means()
    {
        await using var origin = await TestNode.StartAsync(OriginNodes.Namespaces);
        await using var front = await OriginNodes.StartFrontAsync([origin.Client.BaseAddress!]);
        var store = front.Store();
        var key = BlobKey.Create("fixed", "", "k");
        (await store.PutAsync(key, "one"u8.ToArray(), new PutOptions { Replace = true })).Status.ShouldBe(StoreStatus.Ok);
        (await store.PutAsync(key, "two"u8.ToArray(), new PutOptions { Replace = true })).Status.ShouldBe(StoreStatus.Exists);
        (await store.PutAsync(key, Blobs.Bytes(300_000), new PutOptions { Replace = true })).Status.ShouldBe(StoreStatus.Exists);
        (await store.PutAsync(BlobKey.Create("cas", "", new string('0', 64)), "x"u8.ToArray())).Status.ShouldBe(StoreStatus.DigestMismatch);
        (await store.PutAsync(BlobKey.Create("unknown", "", "k"), "x"u8.ToArray())).Detail.ShouldNotBeNull().ShouldContain("namespace");
        (await store.StatAsync(BlobKey.Create("unknown", "", "k"), Cancel)).Status.ShouldBe(StoreStatus.Unavailable);
        (await store.StatAsync(BlobKey.Create("test", "tenant", "k"), Cancel)).Detail.ShouldNotBeNull().ShouldContain("tenant");
    }
}
