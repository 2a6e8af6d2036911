using System.Net;
using System.Text.Json;
using EdgeCache.TestKit;

namespace EdgeCache.System.Tests;

/// <summary>Routes of the user's own, forwarded to a real server, changed while the node runs, and without effect on what the node itself serves.</summary>
public sealed class ProxyTests : IAsyncLifetime
{
    private static readonly TimeSpan ReloadLimit = TimeSpan.FromSeconds(10);

    private UpstreamServer _one = null!;
    private UpstreamServer _two = null!;
    private NodeProcess _node = null!;

    public async ValueTask InitializeAsync()
    {
        _one = await UpstreamServer.StartAsync("one");
        _two = await UpstreamServer.StartAsync("two");
        _node = await NodeProcess.StartAsync(new NodeSetup { Config = Config(("mine", "/mine/{**x}", "one", 1)) });
    }

    public async ValueTask DisposeAsync()
    {
        await _node.DisposeAsync();
        await _one.DisposeAsync();
        await _two.DisposeAsync();
    }

    [Theory]
    [InlineData("GET")]
    [InlineData("POST")]
    [InlineData("PUT")]
    [InlineData("DELETE")]
    public async Task A_route_of_the_users_own_is_forwarded(string method)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), "/mine/a/b");
        using var answer = await _node.Client.SendAsync(request);
        answer.StatusCode.ShouldBe(HttpStatusCode.OK);
        (await answer.Content.ReadAsStringAsync()).ShouldBe($"one: {method} /mine/a/b");
    }

    [Fact]
    public async Task A_catch_all_that_comes_last_takes_only_what_nobody_else_serves()
    {
        await WriteConfigAsync(Config(("mine", "/mine/{**x}", "one", 1), ("rest", "/{**x}", "two", int.MaxValue)));
        await ServesAsync("/anything", "two: GET /anything");

        await ServesAsync("/mine/a", "one: GET /mine/a");
        using var content = new StringContent("stored");
        (await _node.Client.PutAsync("/artifacts/key", content)).StatusCode.ShouldBe(HttpStatusCode.Created);
        (await _node.Client.GetStringAsync("/artifacts/key")).ShouldBe("stored");
        (await _node.Client.GetAsync("/artifacts/missing")).StatusCode.ShouldBe(HttpStatusCode.NotFound);
        (await _node.Client.GetStringAsync("/health")).ShouldContain("healthy");
        (await _node.Client.GetStringAsync("/metrics")).ShouldContain("builder_cache_hits_total");
    }

    [Fact]
    public async Task An_edited_file_changes_and_adds_routes_while_no_request_fails()
    {
        using var stop = new CancellationTokenSource();
        using var stored = new StringContent("stored");
        (await _node.Client.PutAsync("/artifacts/key", stored)).EnsureSuccessStatusCode();
        var load = Enumerable.Range(0, 4).Select(i => Task.Run(async () =>
        {
            var count = 0;
            for (; !stop.IsCancellationRequested; count++)
                (await _node.Client.GetStringAsync(i % 2 == 0 ? "/mine/load" : "/artifacts/key")).ShouldBeOneOf("one: GET /mine/load", "two: GET /mine/load", "stored");
            return count;
        })).ToArray();

        await WriteConfigAsync(Config(("mine", "/mine/{**x}", "two", 1)));
        await ServesAsync("/mine/a", "two: GET /mine/a");
        await WriteConfigAsync(Config(("mine", "/mine/{**x}", "one", 1), ("other", "/other/{**x}", "two", 1)));
        await ServesAsync("/other/a", "two: GET /other/a");
        await ServesAsync("/mine/a", "one: GET /mine/a");

        await stop.CancelAsync();
        foreach (var count in await Task.WhenAll(load))
            count.ShouldBeGreaterThan(0);
    }

    [Theory]
    [InlineData("""{ "ReverseProxy": { "Routes": { "mine": { "ClusterId": "nowhere", "Match": { "Path": "/mine/{**x}" } } } } }""", "nowhere")]
    [InlineData("""{ "ReverseProxy": """, "edgecache.json")]
    [InlineData("""{ "EdgeCache": { "Listne": {} } }""", "Listne")]
    public async Task A_broken_edit_changes_nothing_and_the_log_says_why(string broken, string named)
    {
        await WriteConfigAsync(broken);
        await Eventually.TrueAsync(() => _node.Output.Contains("the last good one stays in force", StringComparison.Ordinal), ReloadLimit, "the log tells of the refusal");
        _node.Output.ShouldContain(named);
        (await _node.Client.GetStringAsync("/mine/a")).ShouldBe("one: GET /mine/a");

        await WriteConfigAsync(Config(("mine", "/mine/{**x}", "two", 1)));
        await ServesAsync("/mine/a", "two: GET /mine/a");
    }

    [Fact]
    public async Task A_hang_up_reads_the_configuration_again_and_does_not_end_the_node()
    {
        _node.HangUp();
        await Eventually.TrueAsync(() => _node.Output.Contains("Configuration reloaded; no key changed", StringComparison.Ordinal), ReloadLimit, "the log tells of the reload");
        (await _node.Client.GetStringAsync("/mine/a")).ShouldBe("one: GET /mine/a");
    }

    [Fact]
    public async Task A_destination_that_is_down_is_a_502_and_nothing_else_suffers()
    {
        await _one.DisposeAsync();
        (await _node.Client.GetAsync("/mine/a")).StatusCode.ShouldBe(HttpStatusCode.BadGateway);
        (await _node.Client.GetAsync("/artifacts/missing")).StatusCode.ShouldBe(HttpStatusCode.NotFound);
    }

    private async Task WriteConfigAsync(string config)
    {
        await File.WriteAllTextAsync($"{_node.ConfigFile}.new", config);
        File.Move($"{_node.ConfigFile}.new", _node.ConfigFile, overwrite: true);
    }

    private async Task ServesAsync(string path, string expected)
    {
        var last = "";
        await Eventually.TrueAsync(
            async () =>
            {
                using var answer = await _node.Client.GetAsync(path);
                return (last = await answer.Content.ReadAsStringAsync()) == expected;
            },
            ReloadLimit,
            $"{path} is answered with '{expected}'\n{_node.Output}");
        last.ShouldBe(expected);
    }

    private string Config(params (string Name, string Path, string Cluster, int Order)[] routes) => JsonSerializer.Serialize(new
    {
        ReverseProxy = new
        {
            Routes = routes.ToDictionary(r => r.Name, r => new { ClusterId = r.Cluster, r.Order, Match = new { r.Path } }, StringComparer.Ordinal),
            Clusters = new Dictionary<string, object>(StringComparer.Ordinal)
            {
                ["one"] = new { Destinations = new { only = new { Address = _one.Url } } },
                ["two"] = new { Destinations = new { only = new { Address = _two.Url } } },
            },
        },
    });
}
