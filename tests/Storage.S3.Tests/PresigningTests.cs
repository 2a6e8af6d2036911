using System.Net;
using EdgeCache.TestKit;

namespace EdgeCache.Storage.S3.Tests;

/// <summary>Addresses that open one object to whoever has them.</summary>
public sealed class PresigningTests(S3Fixture fixture) : S3StoreTest(fixture)
{
    private static readonly TimeSpan Lifetime = TimeSpan.FromMinutes(5);

    [Theory]
    [InlineData("plain")]
    [InlineData("a/b+c=d@e~f.g")]
    public async Task An_address_gives_the_content_to_whoever_has_it(string name)
    {
        var store = await OpenAsync();
        var content = Blobs.Bytes(100_000);
        await store.PutAsync(Blobs.Key(name), content, new PutOptions { ContentType = "a/b" });
        var blob = (await store.StatAsync(Blobs.Key(name), Cancel)).Value.ShouldNotBeNull();

        var address = (await store.PresignAsync(blob, Lifetime, Cancel)).ShouldNotBeNull();

        using var client = new HttpClient(new SocketsHttpHandler { UseProxy = false });
        using var whole = await client.GetAsync(address, Cancel);
        whole.StatusCode.ShouldBe(HttpStatusCode.OK);
        whole.Content.Headers.ContentType!.MediaType.ShouldBe("a/b");
        (await whole.Content.ReadAsByteArrayAsync(Cancel)).ShouldBe(content);
        using var request = new HttpRequestMessage(HttpMethod.Get, address);
        request.Headers.Range = new(10, 19);
        using var part = await client.SendAsync(request, Cancel);
        (await part.Content.ReadAsByteArrayAsync(Cancel)).ShouldBe(content[10..20]);
    }

    [Fact]
    public async Task An_address_is_for_one_object_to_read_and_for_as_long_as_was_asked()
    {
        var store = await OpenAsync();
        await store.PutAsync(Blobs.Key("k"), [1]);
        await store.PutAsync(Blobs.Key("l"), [2]);
        var blob = (await store.StatAsync(Blobs.Key("k"), Cancel)).Value.ShouldNotBeNull();
        var address = (await store.PresignAsync(blob, Lifetime, Cancel)).ShouldNotBeNull();

        address.Query.ShouldMatch("X-Amz-Expires=(299|300)(&|$)");
        using var client = new HttpClient(new SocketsHttpHandler { UseProxy = false });
        using var content = new ByteArrayContent([3]);
        (await client.PutAsync(address, content, Cancel)).StatusCode.ShouldBe(HttpStatusCode.Forbidden);
        (await client.GetAsync(address.AbsoluteUri.Replace("/test/k", "/test/l", StringComparison.Ordinal), Cancel)).StatusCode.ShouldBe(HttpStatusCode.Forbidden);
        (await client.GetAsync(address.GetLeftPart(UriPartial.Path), Cancel)).StatusCode.ShouldBe(HttpStatusCode.Forbidden);
    }

    [Fact]
    public async Task A_coded_object_has_no_address()
    {
        var store = await OpenAsync();
        await store.PutAsync(Blobs.Key("k"), [1], new PutOptions { StoredHeaders = [new("content-encoding", "gzip")] });
        var blob = (await store.StatAsync(Blobs.Key("k"), Cancel)).Value.ShouldNotBeNull();
        (await store.PresignAsync(blob, Lifetime, Cancel)).ShouldBeNull();
    }

    [Theory]
    [InlineData(0)]
    [InlineData(8 * 86_400)]
    public async Task A_lifetime_has_limits(int seconds)
    {
        var store = await OpenAsync();
        await store.PutAsync(Blobs.Key("k"), [1]);
        var blob = (await store.StatAsync(Blobs.Key("k"), Cancel)).Value.ShouldNotBeNull();
        await Should.ThrowAsync<ArgumentOutOfRangeException>(async () => await store.PresignAsync(blob, TimeSpan.FromSeconds(seconds), Cancel));
    }
}
