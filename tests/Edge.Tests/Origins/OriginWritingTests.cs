using System.Net;
using EdgeCache.Edge.Origins;
using EdgeCache.Storage;
using EdgeCache.TestKit;

namespace EdgeCache.Edge.Tests.Origins;

/// <summary>What an origin can do wrong while it is written to, and what is made of it.</summary>
public sealed class OriginWritingTests : IAsyncLifetime
{
    private const string Continue = "HTTP/1.1 100 Continue\r\n\r\n";

    private readonly List<IAsyncDisposable> _open = [];

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        foreach (var item in _open)
            await item.DisposeAsync();
    }

    [Theory]
    [InlineData("409 Conflict", StoreStatus.Exists)]
    [InlineData("412 Precondition Failed", StoreStatus.PreconditionFailed)]
    [InlineData("413 Payload Too Large", StoreStatus.TooLarge)]
    [InlineData("507 Insufficient Storage", StoreStatus.NoSpace)]
    [InlineData("400 Bad Request", StoreStatus.DigestMismatch)]
    [InlineData("401 Unauthorized", StoreStatus.Unavailable)]
    [InlineData("404 Not Found", StoreStatus.Unavailable)]
    [InlineData("405 Method Not Allowed", StoreStatus.Unavailable)]
    [InlineData("301 Moved Permanently", StoreStatus.Unavailable)]
    [InlineData("500 Internal Server Error", StoreStatus.Unavailable)]
    public async Task A_refusal_is_an_outcome_also_before_the_content_was_sent(string status, StoreStatus expected)
    {
        // Answered at once, whatever comes: with a large body the server says it instead of 100 Continue.
        var (store, origin) = await OpenAsync(new Step(ScriptedOrigin.Head(status, "Content-Length: 0", "Connection: close"), default, Then.Close));
        var options = new PutOptions { Replace = true, Condition = new BlobCondition { MustExist = true } };
        (await store.PutAsync(Blobs.Key("k"), Blobs.Bytes(500_000), options)).Status.ShouldBe(expected);
        origin.Requests.First().ShouldContain("Expect: 100-continue\r\n");
        origin.Requests.First().ShouldContain("If-Match: *\r\n");
    }

    [Theory]
    [InlineData(1000)]
    [InlineData(500_000)]
    public async Task A_connection_that_breaks_leaves_the_outcome_open_and_the_write_is_not_repeated(int length)
    {
        var (store, origin) = await OpenAsync(new Step(length > 100_000 ? Continue : "", default, Then.Close));
        (await store.PutAsync(Blobs.Key("k"), Blobs.Bytes(length), new PutOptions { Replace = true })).Status.ShouldBe(StoreStatus.Unavailable);
        origin.Requests.Count.ShouldBe(1);
    }

    [Theory]
    [InlineData(1000)]
    [InlineData(10_000_000)]
    public async Task A_server_that_takes_nothing_or_does_not_answer_is_given_up(int length)
    {
        var (store, _) = await OpenAsync(new Step(length > 100_000 ? Continue : "", default, Then.Hang));
        (await store.PutAsync(Blobs.Key("k"), Blobs.Bytes(length), new PutOptions { Replace = true })).Status.ShouldBe(StoreStatus.Unavailable);
        store.State.Fault.ShouldNotBeNull().ShouldContain("in time");
    }

    [Fact]
    public async Task An_answer_that_comes_before_the_content_is_not_believed()
    {
        var (store, _) = await OpenAsync(new Step(ScriptedOrigin.Head("201 Created", "Content-Length: 0", "Connection: close"), default, Then.Close));
        (await store.PutAsync(Blobs.Key("k"), Blobs.Bytes(5_000_000), new PutOptions { Replace = true })).Status.ShouldBe(StoreStatus.Unavailable);
    }

    [Fact]
    public async Task The_last_bytes_are_sent_by_the_commit()
    {
        await using var origin = await TestNode.StartAsync(OriginNodes.Namespaces);
        await using var front = await OriginNodes.StartFrontAsync([origin.Client.BaseAddress!]);
        var content = Blobs.Bytes(1_000_000);
        var known = new PutOptions { ExpectedLength = content.Length };
        foreach (var options in new[] { known, new PutOptions() })
        {
            var key = Blobs.Key(options == known ? "known" : "unknown");
            await using (var writer = (await front.Store().OpenWriteAsync(key, options, Cancel)).Value.ShouldNotBeNull())
                (await writer.WriteAsync(content, Cancel)).ShouldBe(StoreStatus.Ok);
            (await origin.GetAsync($"/cache/test/{key.Key}")).StatusCode.ShouldBe(HttpStatusCode.NotFound);

            await using var second = (await front.Store().OpenWriteAsync(key, options, Cancel)).Value.ShouldNotBeNull();
            (await second.WriteAsync(content, Cancel)).ShouldBe(StoreStatus.Ok);
            (await origin.GetAsync($"/cache/test/{key.Key}")).StatusCode.ShouldBe(HttpStatusCode.NotFound);
            (await second.CommitAsync(Cancel)).Status.ShouldBe(StoreStatus.Ok);
            (await origin.Client.GetByteArrayAsync($"/cache/test/{key.Key}", Cancel)).ShouldBe(content);
        }
    }

    [Fact]
    public async Task A_large_write_is_refused_and_compared_as_a_small_one()
    {
        await using var origin = await TestNode.StartAsync(OriginNodes.Namespaces);
        await using var front = await OriginNodes.StartFrontAsync([origin.Client.BaseAddress!]);
        var store = front.Store();
        var content = Blobs.Bytes(1_000_000);
        var absent = new PutOptions { Replace = true, Condition = BlobCondition.Absent };

        var first = (await store.PutAsync(Blobs.Key("k"), content, absent)).Value.ShouldNotBeNull();
        (await store.PutAsync(Blobs.Key("k"), content)).Value.ShouldNotBeNull().Effect.ShouldBe(PutEffect.Unchanged);
        (await store.PutAsync(Blobs.Key("k"), Blobs.Bytes(1_000_000, seed: 1))).Status.ShouldBe(StoreStatus.Exists);
        (await store.PutAsync(Blobs.Key("k"), Blobs.Bytes(1_000_000, seed: 1), absent)).Status.ShouldBe(StoreStatus.PreconditionFailed);
        var second = (await store.PutAsync(Blobs.Key("k"), Blobs.Bytes(2_000_000), new PutOptions { Replace = true })).Value.ShouldNotBeNull();

        (first.Effect, second.Effect).ShouldBe((PutEffect.Created, PutEffect.Replaced));
        second.Metadata.Generation.ShouldBeGreaterThan(first.Metadata.Generation);
        (await store.GetAsync(Blobs.Key("k"))).Content.ShouldBe(Blobs.Bytes(2_000_000));
    }

    [Fact]
    public async Task A_condition_that_one_request_can_not_say_is_held_all_the_same()
    {
        await using var origin = await TestNode.StartAsync(OriginNodes.Namespaces);
        await using var front = await OriginNodes.StartFrontAsync([origin.Client.BaseAddress!]);
        var store = front.Store();
        var created = (await store.PutAsync(Blobs.Key("k"), "one"u8.ToArray())).Value.ShouldNotBeNull().Metadata.Created;
        PutOptions If(DateTimeOffset since) => new() { Replace = true, Condition = new BlobCondition { MustExist = true, UnmodifiedSince = since } };

        (await store.PutAsync(Blobs.Key("k"), "two"u8.ToArray(), If(created - TimeSpan.FromMinutes(1)))).Status.ShouldBe(StoreStatus.PreconditionFailed);
        (await store.PutAsync(Blobs.Key("k"), "two"u8.ToArray(), If(created))).Status.ShouldBe(StoreStatus.Ok);
        (await store.PutAsync(Blobs.Key("k"), "three"u8.ToArray(), new PutOptions { Replace = true, Condition = new BlobCondition { AnyOf = [] } })).Status.ShouldBe(StoreStatus.PreconditionFailed);
        (await store.GetAsync(Blobs.Key("k"))).Content.ShouldBe("two"u8.ToArray());
    }

    private async Task<(OriginStore Store, ScriptedOrigin Origin)> OpenAsync(params Step[] steps)
    {
        var origin = new ScriptedOrigin(steps);
        var front = await OriginNodes.StartFrontAsync([origin.Address], ("Storage:Origin:Timeout", "500ms"));
        _open.Add(front);
        _open.Add(origin);
        return (front.Store(), origin);
    }
}
