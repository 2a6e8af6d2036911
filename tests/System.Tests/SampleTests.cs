using System.Net;
using System.Net.NetworkInformation;
using EdgeCache.TestKit;

namespace EdgeCache.System.Tests;

/// <summary>The commands that users of the builder's own server know, letter by letter.</summary>
public sealed class SampleTests
{
    private const int SamplePort = 8080;

    private const string Endpoints =
        """
        curl http://localhost:8080/health
        curl http://localhost:8080/metrics
        """;

    private const string Upload =
        """
        echo "test data" | curl -X PUT \
          -H "Authorization: Bearer test-token" \
          --data-binary @- \
          http://localhost:8080/artifacts/test123
        """;

    private const string Download =
        """
        curl -H "Authorization: Bearer test-token" \
          http://localhost:8080/artifacts/test123
        """;

    private static readonly NodeSetup TestMode = new() { Arguments = ["cache-server", "--test-mode"], OwnStorage = true };

    [Fact]
    public async Task The_samples_work_with_another_port()
    {
        await using var node = await NodeProcess.StartAsync(TestMode);
        await RunSamplesAsync(node, node.Url.Port);
    }

    [Fact]
    public async Task The_samples_work_as_they_are_written()
    {
        Tools.Require("curl", "curl");
        if (IPGlobalProperties.GetIPGlobalProperties().GetActiveTcpListeners().Any(l => l.Port == SamplePort))
            Assert.Skip($"Port {SamplePort} is taken by another program; the same commands ran with another port.");
        await using var node = await NodeProcess.StartAsync(TestMode with { OwnPort = true });
        node.Url.Port.ShouldBe(SamplePort);
        await RunSamplesAsync(node, SamplePort);
    }

    [Fact]
    public async Task The_store_of_the_test_mode_is_gone_after_a_stop()
    {
        await using var node = await NodeProcess.StartAsync(TestMode);
        Directory.GetDirectories(node.Folder, "edgecache-test-*").ShouldHaveSingleItem();
        node.Terminate();
        (await node.WaitForExitAsync()).ShouldBe(0);
        Directory.GetDirectories(node.Folder, "edgecache-test-*").ShouldBeEmpty();
    }

    [Theory]
    [InlineData("GET")]
    [InlineData("PUT")]
    [InlineData("HEAD")]
    [InlineData("DELETE")]
    public async Task The_test_mode_wants_its_token(string method)
    {
        await using var node = await NodeProcess.StartAsync(TestMode);
        using var wrong = node.NewClient("another-token");
        foreach (var client in (HttpClient[])[node.Client, wrong])
        {
            using var request = new HttpRequestMessage(new HttpMethod(method), "/artifacts/test123");
            using var answer = await client.SendAsync(request);
            answer.StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
        }
    }

    [Fact]
    public async Task Any_method_and_path_of_the_api_table_is_served()
    {
        await using var node = await NodeProcess.StartAsync(TestMode);
        using var client = node.NewClient("test-token");
        using var content = new ByteArrayContent([1, 2, 3]);
        (string Method, string Path, HttpStatusCode Status)[] calls =
        [
            ("HEAD", "/artifacts/table", HttpStatusCode.NotFound),
            ("PUT", "/artifacts/table", HttpStatusCode.Created),
            ("HEAD", "/artifacts/table", HttpStatusCode.OK),
            ("GET", "/artifacts/table", HttpStatusCode.OK),
            ("DELETE", "/artifacts/table", HttpStatusCode.NoContent),
            ("GET", "/artifacts/table", HttpStatusCode.NotFound),
            ("OPTIONS", "/artifacts/table", HttpStatusCode.NoContent),
            ("GET", "/health", HttpStatusCode.OK),
            ("GET", "/metrics", HttpStatusCode.OK),
        ];
        foreach (var (method, path, status) in calls)
        {
            using var request = new HttpRequestMessage(new HttpMethod(method), path) { Content = method == "PUT" ? content : null };
            using var answer = await client.SendAsync(request);
            answer.StatusCode.ShouldBe(status, $"{method} {path}");
        }
    }

    private static async Task RunSamplesAsync(NodeProcess node, int port)
    {
        (await ShellAsync(Endpoints, port)).ShouldSatisfyAllConditions(
            text => text.ShouldContain("\"status\":\"healthy\""),
            text => text.ShouldContain("builder_cache_hit_rate"),
            text => text.ShouldContain("builder_cache_storage_bytes_used"));
        (await ShellAsync(Upload, port)).ShouldBeEmpty();
        (await ShellAsync(Download, port)).ShouldBe("test data\n");

        using var client = node.NewClient();
        var metrics = await client.GetStringAsync("/metrics");
        foreach (var name in (string[])["requests_total", "hits_total", "misses_total", "hit_rate", "storage_bytes_used", "request_duration_milliseconds_bucket"])
            metrics.ShouldContain($"builder_cache_{name}");
    }

    private static async Task<string> ShellAsync(string sample, int port)
    {
        Tools.Require("curl", "curl");
        var text = sample.Replace($":{SamplePort}/", $":{port}/", StringComparison.Ordinal);
        return (await ToolRun.RunAsync(Tools.Require("bash", "bash"), ["-e", "-o", "pipefail", "-c", text])).Succeeded();
    }
}
