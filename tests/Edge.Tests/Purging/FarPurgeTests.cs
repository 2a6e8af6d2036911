using System.Net;
using System.Text;
using System.Text.Json;
using EdgeCache.Storage;
using EdgeCache.TestKit;
using EdgeCache.TestKit.Stores;

namespace EdgeCache.Edge.Tests.Purging;

/// <summary>Purges of a node that has a far store.</summary>
public sealed class FarPurgeTests
{
    private const string Hit = "200 EdgeCache; hit";
    private const string Revalidated = "200 EdgeCache; hit; detail=revalidated";

    /// <summary>The ways to say which blobs, all of them for those with a 1 at the end.</summary>
    private static readonly string[] Calls =
    [
        """ "keys": ["app-1", "lib-1", "nothing"] """,
        """ "prefix": "app-1" """,
        """ "tag": "one" """,
        """ "writer": "token" """,
        """ "all": true """,
    ];

    public static TheoryData<string, string> AllCalls => [.. Calls.SelectMany(c => new[] { "hard", "soft", "local" }, (c, mode) => (c, mode))];

    [Theory]
    [MemberData(nameof(AllCalls))]
    public async Task A_purge_reaches_what_it_names_here_and_in_the_far_store_and_nothing_else(string call, string mode)
    {
        await using var node = await FarNode.StartAsync();
        string[] keys = ["app-1", "app-2", "lib-1"];
        foreach (var key in keys)
            (await node.Node.PutAsync($"/artifacts/{key}", Encoding.UTF8.GetBytes(key), ("Cache-Tag", key.EndsWith('1') ? "one" : "two"))).StatusCode.ShouldBe(HttpStatusCode.Created);
        var named = Named(call, keys);

        var report = await PurgeAsync(node, call, mode);

        report.GetProperty("state").GetString().ShouldBe("done", report.ToString());
        report.GetProperty("purged").GetInt64().ShouldBe(named.Count, report.ToString());
        var left = keys.Except(named, StringComparer.Ordinal).ToList();
        (await node.CopiesAsync()).ShouldBe(mode == "soft" ? keys : left);
        node.FarStore.Keys.ShouldBe((mode == "hard" ? left : [.. keys]).Select(k => $"artifacts/{k}"));
        foreach (var key in named)
            (await node.GetAsync(key)).ShouldBe(mode switch { "hard" => "404 EdgeCache; hit=?0; detail=uri-miss", "soft" => Revalidated, _ => "200 EdgeCache; fwd=uri-miss; stored" }, key);
        foreach (var key in left)
            (await node.GetAsync(key)).ShouldBe(Hit, key);
        await node.SettledAsync();
        foreach (var key in mode == "hard" ? left : [.. keys])
            (await node.GetAsync(key)).ShouldBe(Hit, key);
    }

    [Fact]
    public async Task A_hard_purge_reaches_what_is_only_in_the_far_store()
    {
        await using var node = await FarNode.StartAsync();
        await node.FarStore.PutAsync(Key("there"), [1]);
        var report = await PurgeAsync(node, """ "all": true """, "hard");
        report.GetProperty("purged").GetInt64().ShouldBe(1, report.ToString());
        node.FarStore.Keys.ShouldBeEmpty();
        (await node.GetAsync("there")).ShouldStartWith("404");
    }

    [Theory]
    [MemberData(nameof(AllCalls))]
    public async Task What_is_remembered_of_the_far_store_is_void(string call, string mode)
    {
        await using var node = await FarNode.StartAsync();
        (await node.GetAsync("app-1")).ShouldStartWith("404");
        await node.FarStore.PutAsync(Key("app-1"), [1], new PutOptions { Tags = ["one"], Writer = "token" });
        (await node.GetAsync("app-1")).ShouldStartWith("404", Case.Sensitive, "it is remembered that there is nothing");
        await PurgeAsync(node, call, mode);
        if (mode == "hard")
            await node.FarStore.PutAsync(Key("app-1"), [1]);
        (await node.GetAsync("app-1")).ShouldStartWith("200");
        await node.SettledAsync();
    }

    /// <summary>An answer that was asked for before the purge and comes after it is one from before it.</summary>
    [Theory]
    [InlineData("hard")]
    [InlineData("soft")]
    [InlineData("local")]
    public async Task An_absence_that_was_asked_about_before_a_purge_is_not_remembered_after_it(string mode)
    {
        await using var node = await FarNode.StartAsync();
        var point = new SyncPoint();
        node.Opened = async () => await point.PassOnceAsync();
        var early = node.GetAsync("app-1");
        await point.Reached;
        await PurgeAsync(node, """ "all": true """, mode);
        await node.FarStore.PutAsync(Key("app-1"), [1]);
        point.Open();
        (await early).ShouldMatch("^(200|404) ", "who asked before the purge may get what there was");
        (await node.GetAsync("app-1")).ShouldStartWith("200");
        await node.SettledAsync();
    }

    public static TheoryData<string, string, string> Races =>
        [.. new[] { "open", "read", "write", "commit" }.SelectMany(at => new[] { "hard", "soft", "local" }.SelectMany(mode => new[] { "PURGE", Calls[1], Calls[2], Calls[4] }, (mode, call) => (at, mode, call)))];

    /// <summary>The fetch of an old blob stands still somewhere, is purged, and goes on; meanwhile the far store has got another one.</summary>
    [Theory]
    [MemberData(nameof(Races))]
    public async Task Nothing_old_is_stored_or_served_after_the_answer_to_a_purge(string at, string mode, string call)
    {
        await using var node = await FarNode.StartAsync();
        var (old, next) = (Blobs.Bytes(600_000), Blobs.Bytes(500_000, seed: 1));
        await node.FarStore.PutAsync(Key("app-1"), old, new PutOptions { Tags = ["one"] });
        var point = new SyncPoint();
        node.Opened = async () => await StopAsync(at == "open");
        node.Far.Before = (c, _) => StopAsync((at, c) is ("read", StoreCall.Read));
        node.Near.Before = (c, _) => StopAsync((at, c) is ("write", StoreCall.Write) or ("commit", StoreCall.Commit));
        async ValueTask<StoreStatus> StopAsync(bool here)
        {
            if (here)
                await point.PassOnceAsync();
            return StoreStatus.Ok;
        }

        var reading = ReadAsync(node);
        await point.Reached;

        var purging = call == "PURGE" ? PurgeKeyAsync(node, mode) : PurgeAsync(node, call, mode);
        if (at == "commit")
        {
            // The fetch has the key's gate, and the purge comes after it.
            await Eventually.StaysAsync(() => !purging.IsCompleted, TimeSpan.FromMilliseconds(50), "the purge waits for the gate");
            point.Open();
        }
        (await purging.WaitAsync(FarNode.Limit)).GetProperty("state").GetString().ShouldBe("done");
        await node.FarStore.DeleteAsync(Key("app-1"), null, TestContext.Current.CancellationToken);
        await node.FarStore.PutAsync(Key("app-1"), next, new PutOptions { Tags = ["one"] });
        point.Open();
        if (await reading.WaitAsync(FarNode.Limit) is { } whole)
            (whole.AsSpan().SequenceEqual(old) || whole.AsSpan().SequenceEqual(next)).ShouldBeTrue("who asked before the purge may get what there was, but not a mixture");
        (await ReadAsync(node)).ShouldBe(next);
        await node.SettledAsync();
        (await ReadAsync(node)).ShouldBe(next);
    }

    private static List<string> Named(string call, string[] keys) =>
        call.Contains("writer", StringComparison.Ordinal) || call.Contains("all", StringComparison.Ordinal) ? [.. keys]
        : call.Contains("prefix", StringComparison.Ordinal) ? ["app-1"] : [.. keys.Where(k => k.EndsWith('1'))];

    private static BlobKey Key(string key) => BlobKey.Create("artifacts", "", key);

    /// <summary>The content; null where the connection was cut or nothing is there.</summary>
    private static async Task<byte[]?> ReadAsync(FarNode node)
    {
        try
        {
            using var answer = await node.Node.GetAsync("/artifacts/app-1");
            return answer.IsSuccessStatusCode ? await answer.Content.ReadAsByteArrayAsync() : null;
        }
        catch (HttpRequestException)
        {
            return null;
        }
    }

    private static async Task<JsonElement> PurgeKeyAsync(FarNode node, string mode)
    {
        using var answer = await node.Node.SendAsync(new HttpMethod("PURGE"), "/artifacts/app-1", ("EdgeCache-Purge", mode));
        return JsonDocument.Parse(await answer.Content.ReadAsStringAsync()).RootElement;
    }

    private static async Task<JsonElement> PurgeAsync(FarNode node, string call, string mode)
    {
        using var content = new StringContent($$"""{"namespace": "artifacts", "mode": "{{mode}}", {{call}} }""", Encoding.UTF8, "application/json");
        using var answer = await node.Node.Client.PostAsync("/admin/purge", content);
        answer.StatusCode.ShouldBe(HttpStatusCode.OK);
        return JsonDocument.Parse(await answer.Content.ReadAsStringAsync()).RootElement;
    }

    /// <summary>Where the first call that comes by stops until the test lets it go on.</summary>
    private sealed class SyncPoint
    {
        private readonly TaskCompletionSource _reached = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource _open = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private int _passed;

        public Task Reached => _reached.Task.WaitAsync(FarNode.Limit);

        public void Open() => _open.TrySetResult();

        /// <summary>True for the one call that was stopped.</summary>
        public async ValueTask<bool> PassOnceAsync()
        {
            if (Interlocked.Exchange(ref _passed, 1) != 0)
                return false;
            _reached.TrySetResult();
            await _open.Task.WaitAsync(FarNode.Limit);
            return true;
        }
    }
}
