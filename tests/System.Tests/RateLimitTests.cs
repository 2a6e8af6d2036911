using System.Net;
using EdgeCache.TestKit;

namespace EdgeCache.System.Tests;

/// <summary>The limit of the test mode, as its sample shows it, and the switch that users of the builder's own server know.</summary>
public sealed class RateLimitTests
{
    private const string Sample =
        """
        for i in {1..200}; do
          curl -w "%{http_code}\n" -o /dev/null -s \
            http://localhost:8080/health
        done
        """;

    [Fact]
    public async Task Two_hundred_quick_requests_see_429_after_about_a_hundred()
    {
        Tools.Require("curl", "curl");
        await using var node = await NodeProcess.StartAsync(new NodeSetup { Arguments = ["cache-server", "--test-mode"], OwnStorage = true });
        var began = TimeProvider.System.GetTimestamp();
        var text = Sample.Replace(":8080/", $":{node.Url.Port}/", StringComparison.Ordinal);
        var statuses = (await ToolRun.RunAsync(Tools.Require("bash", "bash"), ["-c", text])).Succeeded().Split('\n', StringSplitOptions.RemoveEmptyEntries);
        var seconds = TimeProvider.System.GetElapsedTime(began).TotalSeconds;

        // The fixture has asked too, and a second gives back one request: a slow machine sees a few more.
        statuses.Length.ShouldBe(200);
        statuses.Take(95).ShouldAllBe(s => s == "200");
        statuses.Count(s => s == "200").ShouldBeInRange(95, 102 + (int)seconds);
        statuses.Count(s => s == "429").ShouldBe(200 - statuses.Count(s => s == "200"));

        // Whoever has the token works on.
        using var client = node.NewClient("test-token");
        for (var i = 0; i < 150; i++)
            (await client.GetAsync($"/artifacts/{i}")).StatusCode.ShouldBe(HttpStatusCode.NotFound);
    }

    [Theory]
    [InlineData("true")]
    [InlineData("false")]
    public async Task The_variable_switches_limits(string value)
    {
        await using var node = await NodeProcess.StartAsync(new NodeSetup
        {
            Environment = Variables.Of(("BUILDER_CACHE_SERVER_ENABLE_RATE_LIMITING", value), ("EdgeCache__RateLimits__Address__RequestsPerSecond", "1"), ("EdgeCache__RateLimits__Address__Burst", "5")),
        });
        var statuses = new List<HttpStatusCode>();
        for (var i = 0; i < 30; i++)
            statuses.Add((await node.Client.GetAsync("/artifacts/a")).StatusCode);
        statuses.Contains(HttpStatusCode.TooManyRequests).ShouldBe(value == "true");
        statuses.Take(5).ShouldAllBe(s => s == HttpStatusCode.NotFound);
    }

    [Fact]
    public async Task A_token_of_the_command_line_opens_a_running_node_and_its_end_closes_it()
    {
        using var folder = new TestFolder();
        var store = folder.File("store");
        var made = await NodeProcess.RunAsync(new NodeSetup { Arguments = ["token", "create", "ci", "--scope", "read", "write"], Storage = store, OwnPort = true });
        var secret = made.Succeeded().Trim();
        await using var node = await NodeProcess.StartAsync(new NodeSetup { Storage = store });
        using var client = node.NewClient(secret);
        (await client.GetAsync("/artifacts/a")).StatusCode.ShouldBe(HttpStatusCode.NotFound);
        (await node.Client.GetAsync("/artifacts/a")).StatusCode.ShouldBe(HttpStatusCode.Unauthorized);

        (await NodeProcess.RunAsync(new NodeSetup { Arguments = ["token", "revoke", "ci"], Storage = store, OwnPort = true })).Succeeded();
        await Eventually.TrueAsync(async () => (await client.GetAsync("/artifacts/a")).StatusCode == HttpStatusCode.Unauthorized, TimeSpan.FromSeconds(20), "the token counts no more");
        (node.Output + node.Error).ShouldNotContain(secret);
    }
}
