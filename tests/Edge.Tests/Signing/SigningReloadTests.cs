using System.Net;
using EdgeCache.Client.Signing;
using EdgeCache.Edge.Configuration;
using EdgeCache.Edge.Tests.Configuration;
using EdgeCache.TestKit;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace EdgeCache.Edge.Tests.Signing;

/// <summary>Policies that change while a node runs, and those that stop a start.</summary>
public sealed class SigningReloadTests : IDisposable
{
    private const string Secret = "0123456789abcdef0123456789abcdef";
    private const string OtherSecret = "fedcba9876543210fedcba9876543210";

    private readonly ConfigurationFixture _machine = new();
    private readonly LogCollector _log = new();

    public SigningReloadTests()
    {
        _machine.Flag("--port", "EdgeCache:Listen:Port", "0");
        _machine.Flag("--storage", "EdgeCache:Storage:Path", "store");
    }

    public void Dispose() => _machine.Dispose();

    [Theory]
    [InlineData("""{"own": {"Keys": {"k1": {"Secret": "short"}}}}""", "own", "EdgeCache:SignedUrls:own:Keys:k1")]
    [InlineData("""{"own": {"Keys": {"k1": {"SecretFile": "not-there"}}}}""", "own", "EdgeCache:SignedUrls:own:Keys:k1:SecretFile")]
    [InlineData("""{"own": {"Kind": "akamai", "Keys": {"k1": {"Secret": "0123456789abcdef0123456789abcdef"}}}}""", "own", "EdgeCache:SignedUrls:own:Kind")]
    [InlineData("""{"own": {"Keys": {"k1": {"Secret": "0123456789abcdef0123456789abcdef"}}}}""", "owm", "ReverseProxy:Routes:mine: The transform EdgeCache.SignedUrl names the policy \"owm\"")]
    [InlineData("{}", "own", "ReverseProxy:Routes:mine: The transform EdgeCache.SignedUrl names the policy \"own\"")]
    public async Task A_bad_policy_stops_a_start_and_at_a_reload_the_last_good_stays_and_the_log_says_so(string policies, string named, string expected)
    {
        await using var origin = Origin();
        _machine.WriteConfig(Config(policies, named, origin.Port));
        string.Join('\n', await _machine.LoadBadAsync()).ShouldContain(expected);
        var (exit, _, error) = await _machine.RunAsync("serve", "--config", "node.json", "--port", "0", "--storage", "store");
        exit.ShouldNotBe(0);
        error.ShouldContain(expected);
        error.ShouldNotContain(Secret);

        _machine.WriteConfig(Config($$"""{"own": {"Keys": {"k1": {"Secret": "{{Secret}}"} } } }""", "own", origin.Port));
        await using var node = await EdgeNode.StartAsync(await _machine.LoadGoodAsync(), TestContext.Current.CancellationToken, _log.AddTo);
        using var client = new HttpClient { BaseAddress = new Uri(node.Urls[0]) };
        var url = Sign(node);
        (await client.GetAsync(url)).StatusCode.ShouldBe(HttpStatusCode.OK);

        _machine.WriteConfig(Config(policies, named, origin.Port));
        (await node.Services.GetRequiredService<ConfigurationReloader>().CheckAsync()).ShouldBeFalse();

        _log.Lines.ShouldContain(l => l.StartsWith("Error", StringComparison.Ordinal) && l.Contains(expected, StringComparison.Ordinal));
        _log.Lines.ShouldContain(l => l.StartsWith("Error The changed configuration is not used; the last good one stays in force", StringComparison.Ordinal));
        (await client.GetAsync(url)).StatusCode.ShouldBe(HttpStatusCode.OK);
        (await client.GetAsync(Sign(node, "/mine/b"))).StatusCode.ShouldBe(HttpStatusCode.OK);
        (await client.GetAsync("/mine/a")).StatusCode.ShouldBe(HttpStatusCode.Forbidden);
    }

    [Fact]
    public async Task A_key_is_changed_without_a_restart_and_what_the_old_one_signed_ends_with_it()
    {
        await using var origin = Origin();
        _machine.WriteConfig(Config($$"""{"own": {"Keys": {"k1": {"Secret": "{{Secret}}"} } } }""", "own", origin.Port));
        await using var node = await EdgeNode.StartAsync(await _machine.LoadGoodAsync(), TestContext.Current.CancellationToken, _log.AddTo);
        var reloader = node.Services.GetRequiredService<ConfigurationReloader>();
        using var client = new HttpClient { BaseAddress = new Uri(node.Urls[0]) };
        var old = Sign(node);
        (await client.GetAsync(old)).StatusCode.ShouldBe(HttpStatusCode.OK);

        _machine.WriteConfig(Config($$"""{"own": {"SignWith": "k2", "Keys": {"k1": {"Secret": "{{Secret}}"}, "k2": {"Secret": "{{OtherSecret}}"} } } }""", "own", origin.Port));
        (await reloader.CheckAsync()).ShouldBeTrue();
        Sign(node).ShouldContain("ec-key=k2&");
        (await client.GetAsync(old)).StatusCode.ShouldBe(HttpStatusCode.OK);
        (await client.GetAsync(Sign(node))).StatusCode.ShouldBe(HttpStatusCode.OK);

        _machine.WriteConfig(Config($$"""{"own": {"Keys": {"k2": {"Secret": "{{OtherSecret}}"} } } }""", "own", origin.Port));
        (await reloader.CheckAsync()).ShouldBeTrue();
        (await client.GetAsync(old)).StatusCode.ShouldBe(HttpStatusCode.Forbidden, "that it was good once is remembered with its policy, not longer");
        (await client.GetAsync(Sign(node))).StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    [Theory]
    [InlineData("Logging__Console__LogLevel__Default")]
    [InlineData("Logging__LogLevel__Microsoft.AspNetCore.Hosting.Diagnostics")]
    [InlineData("Logging__Console__LogLevel__Microsoft.AspNetCore.Hosting.Diagnostics")]
    public async Task No_configuration_makes_the_server_write_queries_into_the_log(string key)
    {
        _machine.Environment["Logging__LogLevel__Default"] = "Information";
        _machine.Environment[key] = "Information";
        await using var node = await EdgeNode.StartAsync(await _machine.LoadGoodAsync(), TestContext.Current.CancellationToken);
        var loggers = node.Services.GetRequiredService<ILoggerFactory>();
        loggers.CreateLogger("EdgeCache.Audit").IsEnabled(LogLevel.Information).ShouldBeTrue();
        loggers.CreateLogger("Microsoft.AspNetCore.Hosting.Diagnostics").IsEnabled(LogLevel.Critical).ShouldBeFalse();
    }

    private static LoopbackServer Origin() => new(async (stream, stop) =>
    {
        var peer = new HttpPeer(stream);
        while (await peer.ReadHeadAsync(stop) is not null)
            await peer.WriteAsync("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", stop);
    });

    private static string Sign(EdgeNode node, string path = "/mine/a")
    {
        var now = node.Services.Time().GetUtcNow();
        return node.Services.Policy("own").Sign(new SigningRequest(path, SignedMethods.Get, now.AddMinutes(5)), now).Url;
    }

    private static string Config(string policies, string named, int port) =>
        $$$"""
        {"EdgeCache": {"SignedUrls": {{{policies}}}},
         "ReverseProxy": {
          "Routes": {"mine": {"ClusterId": "c", "Match": {"Path": "/mine/{**x}"}, "Transforms": [{"EdgeCache.SignedUrl": "{{{named}}}"}] } },
          "Clusters": {"c": {"Destinations": {"d": {"Address": "http://127.0.0.1:{{{port}}}"} } } } } }
        """;
}
