using System.Security.Cryptography;
using EdgeCache.Edge.Origins;
using EdgeCache.Storage;
using EdgeCache.TestKit;

namespace EdgeCache.Edge.Tests.Origins;

/// <summary>What an origin can do wrong while it is read, and what is made of it.</summary>
public sealed class OriginReadingTests : IAsyncLifetime
{
    private const string Tag = "ETag: \"v1\"";

    private static readonly byte[] Content = Blobs.Bytes(200_000);
    private static readonly string Digest = $"Repr-Digest: sha-256=:{Convert.ToBase64String(SHA256.HashData(Content))}:";

    private readonly List<IAsyncDisposable> _open = [];

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        foreach (var item in _open)
            await item.DisposeAsync();
    }

    [Theory]
    [InlineData("404 Not Found", StoreStatus.Missing, "")]
    [InlineData("410 Gone", StoreStatus.Missing, "")]
    [InlineData("401 Unauthorized", StoreStatus.Unavailable, "Token")]
    [InlineData("403 Forbidden", StoreStatus.Unavailable, "Token")]
    [InlineData("302 Found", StoreStatus.Unavailable, "redirect")]
    [InlineData("429 Too Many Requests", StoreStatus.Unavailable, "less often")]
    [InlineData("500 Internal Server Error", StoreStatus.Unavailable, "500")]
    [InlineData("508 Loop Detected", StoreStatus.Unavailable, "circles")]
    public async Task A_status_is_an_outcome_with_a_sentence(string status, StoreStatus expected, string part)
    {
        var (store, _) = await OpenAsync("http", new Step(ScriptedOrigin.Head(status, "Content-Length: 0", "Location: /elsewhere")));
        var found = await store.StatAsync(Blobs.Key("k"), Cancel);
        found.Status.ShouldBe(expected);
        (found.Detail ?? "").ShouldContain(part);
        (await store.OpenReadAsync(Blobs.Key("k"), ByteRange.Whole, Cancel)).Status.ShouldBe(expected);
        (store.State.Fault is null).ShouldBe(expected != StoreStatus.Unavailable || part == "circles", "what goes in circles is about the request, and whoever sends it must not make the origin look broken");
    }

    [Fact]
    public async Task A_404_that_is_not_of_a_nodes_store_is_not_a_missing_blob()
    {
        var (store, _) = await OpenAsync("edgecache", new Step(ScriptedOrigin.Head("404 Not Found", "Content-Length: 0")));
        var found = await store.StatAsync(Blobs.Key("k"), Cancel);
        found.Status.ShouldBe(StoreStatus.Unavailable);
        found.Detail.ShouldNotBeNull().ShouldContain("namespace");
    }

    [Fact]
    public async Task Only_a_strong_entity_tag_is_a_validator_and_only_a_given_digest_is_known()
    {
        var (store, _) = await OpenAsync(
            "http",
            new Step(ScriptedOrigin.Ok(5, "ETag: W/\"w\"", "Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT", "Content-Type: a/b")),
            new Step(ScriptedOrigin.Ok(5, Tag)),
            new Step(ScriptedOrigin.Ok(Content.Length, Tag, Digest)));
        var weak = (await store.StatAsync(Blobs.Key("k"), Cancel)).Value.ShouldNotBeNull();
        (weak.Length, weak.FarValidator, weak.Sha256.IsKnown, weak.ContentType).ShouldBe((5, "", false, "a/b"));
        weak.Created.ShouldBe(new DateTimeOffset(1994, 11, 6, 8, 49, 37, TimeSpan.Zero));
        var strong = (await store.StatAsync(Blobs.Key("k"), Cancel)).Value.ShouldNotBeNull();
        (strong.FarValidator, strong.Sha256.IsKnown).ShouldBe(("\"v1\"", false));
        (await store.StatAsync(Blobs.Key("k"), Cancel)).Value.ShouldNotBeNull().Sha256.ShouldBe(new Sha256Digest(SHA256.HashData(Content)));
    }

    [Theory]
    [InlineData("Content-Encoding: gzip")]
    [InlineData("Repr-Digest: sha-256=:c2hvcnQ=:")]
    public async Task An_answer_that_is_not_the_content_as_it_is_is_refused(string field)
    {
        var (store, _) = await OpenAsync("http", new Step(ScriptedOrigin.Ok(5, field), "12345"u8.ToArray()));
        (await store.OpenReadAsync(Blobs.Key("k"), ByteRange.Whole, Cancel)).Status.ShouldBe(StoreStatus.Unavailable);
    }

    [Fact]
    public async Task A_body_without_a_length_is_refused()
    {
        var (store, _) = await OpenAsync("http", new Step(ScriptedOrigin.Head("200 OK", "Transfer-Encoding: chunked"), "5\r\n12345\r\n0\r\n\r\n"u8.ToArray()));
        (await store.OpenReadAsync(Blobs.Key("k"), ByteRange.Whole, Cancel)).Status.ShouldBe(StoreStatus.Unavailable);
    }

    [Fact]
    public async Task A_server_that_does_not_answer_is_given_up()
    {
        var (store, _) = await OpenAsync("http", new Step("", default, Then.Hang));
        var found = await store.OpenReadAsync(Blobs.Key("k"), ByteRange.Whole, Cancel);
        found.Status.ShouldBe(StoreStatus.Unavailable);
        found.Detail.ShouldNotBeNull().ShouldContain("in time");
    }

    [Fact]
    public async Task A_body_that_stops_coming_is_given_up()
    {
        var (store, _) = await OpenAsync("http", new Step(ScriptedOrigin.Ok(Content.Length), Content.AsMemory(0, 1000), Then.Hang));
        await using var reader = (await store.OpenReadAsync(Blobs.Key("k"), ByteRange.Whole, Cancel)).Value.ShouldNotBeNull();
        await Should.ThrowAsync<IOException>(() => reader.ReadFullyAsync(0, new byte[Content.Length]));
    }

    [Fact]
    public async Task A_body_that_is_cut_is_read_on_where_it_ended_if_it_is_still_the_same()
    {
        var rest = Content.Length - 70_000;
        var (store, origin) = await OpenAsync(
            "http",
            new Step(ScriptedOrigin.Ok(Content.Length, Tag, Digest), Content.AsMemory(0, 70_000), Then.Close),
            new Step(ScriptedOrigin.Head("206 Partial Content", $"Content-Length: {rest}", $"Content-Range: bytes 70000-{Content.Length - 1}/{Content.Length}", Tag), Content.AsMemory(70_000)));
        (await store.GetAsync(Blobs.Key("k"))).Content.ShouldBe(Content);
        origin.Requests.Last().ShouldContain("Range: bytes=70000-\r\n");
        origin.Requests.Last().ShouldContain("If-Match: \"v1\"\r\n");
    }

    [Theory]
    [InlineData("206 Partial Content", "\"v2\"", 200_000)]
    [InlineData("206 Partial Content", "\"v1\"", 200_001)]
    [InlineData("412 Precondition Failed", "\"v2\"", 200_000)]
    [InlineData("404 Not Found", "\"v1\"", 200_000)]
    [InlineData("200 OK", "\"v1\"", 200_000)]
    public async Task A_rest_that_is_not_of_the_same_version_is_not_read(string status, string tag, int total)
    {
        var (store, _) = await OpenAsync(
            "http",
            new Step(ScriptedOrigin.Ok(Content.Length, Tag), Content.AsMemory(0, 70_000), Then.Close),
            new Step(ScriptedOrigin.Head(status, $"Content-Length: {total - 70_000}", $"Content-Range: bytes 70000-{total - 1}/{total}", $"ETag: {tag}"), new byte[total - 70_000]));
        await using var reader = (await store.OpenReadAsync(Blobs.Key("k"), ByteRange.Whole, Cancel)).Value.ShouldNotBeNull();
        await Should.ThrowAsync<IOException>(() => reader.ReadFullyAsync(0, new byte[Content.Length]));
    }

    [Fact]
    public async Task Without_a_validator_a_body_that_is_cut_is_not_read_on()
    {
        var (store, origin) = await OpenAsync("http", new Step(ScriptedOrigin.Ok(Content.Length), Content.AsMemory(0, 70_000), Then.Close));
        await using var reader = (await store.OpenReadAsync(Blobs.Key("k"), ByteRange.Whole, Cancel)).Value.ShouldNotBeNull();
        await Should.ThrowAsync<IOException>(() => reader.ReadFullyAsync(0, new byte[Content.Length]));
        origin.Requests.Count.ShouldBe(1);
    }

    [Fact]
    public async Task Content_that_does_not_have_its_digest_is_never_given_out_whole()
    {
        var other = (byte[])Content.Clone();
        other[100_000] ^= 1;
        var (store, _) = await OpenAsync("http", new Step(ScriptedOrigin.Ok(Content.Length, Tag, Digest), other));
        await using var reader = (await store.OpenReadAsync(Blobs.Key("k"), ByteRange.Whole, Cancel)).Value.ShouldNotBeNull();
        await Should.ThrowAsync<BlobDamagedException>(() => reader.ReadFullyAsync(0, new byte[Content.Length]));
    }

    [Fact]
    public async Task A_part_that_is_expected_is_all_that_is_asked_for()
    {
        var (store, origin) = await OpenAsync(
            "http", new Step(ScriptedOrigin.Head("206 Partial Content", "Content-Length: 10", $"Content-Range: bytes 50-59/{Content.Length}", Tag), Content.AsMemory(50, 10)));
        await using var reader = (await store.OpenReadAsync(Blobs.Key("k"), new ByteRange(50, 10), Cancel)).Value.ShouldNotBeNull();
        var buffer = new byte[10];
        await reader.ReadFullyAsync(50, buffer);
        buffer.ShouldBe(Content[50..60]);
        reader.Metadata.Length.ShouldBe(Content.Length);
        origin.Requests.ShouldHaveSingleItem().ShouldContain("Range: bytes=50-59\r\n");
    }

    private async Task<(OriginStore Store, ScriptedOrigin Origin)> OpenAsync(string kind, params Step[] steps)
    {
        var origin = new ScriptedOrigin(steps);
        var front = await OriginNodes.StartFrontAsync([origin.Address], ("Storage:Origin:Kind", kind), ("Storage:Origin:Timeout", "500ms"));
        _open.Add(front);
        _open.Add(origin);
        return (front.Store(), origin);
    }
}
