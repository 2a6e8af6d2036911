using System.Net;
using System.Text.Json;
using EdgeCache.TestKit;

namespace EdgeCache.System.Tests;

/// <summary>The variables that users of the builder's own server have in their scripts.</summary>
public sealed class VariableTests
{
    private const string Prefix = "BUILDER_CACHE_SERVER_";
    private static readonly NodeSetup Plain = new() { OwnPort = true, OwnStorage = true };

    [Fact]
    public async Task Host_port_storage_size_token_and_switches_come_from_variables()
    {
        using var folder = new TestFolder();
        await using var node = await NodeProcess.StartAsync(Plain with
        {
            Environment = Variables.Of(
                ($"{Prefix}HOST", "0.0.0.0"),
                ($"{Prefix}PORT", "0"),
                ($"{Prefix}STORAGE", folder.File("bldr")),
                ($"{Prefix}MAX_SIZE", "100000000000"),
                ($"{Prefix}AUTH_TOKEN", "your-token"),
                ($"{Prefix}ENABLE_COMPRESSION", "false"),
                ($"{Prefix}ENABLE_RATE_LIMITING", "false"),
                ($"{Prefix}ENABLE_METRICS", "true")),
        });

        node.Url.Host.ShouldBe("0.0.0.0");
        Directory.Exists(folder.File("bldr")).ShouldBeTrue();
        using var health = JsonDocument.Parse(await node.Client.GetStringAsync("/health"));
        health.RootElement.GetProperty("storage").GetProperty("maxBytes").GetInt64().ShouldBe(100_000_000_000);
        (await node.Client.GetAsync("/artifacts/a")).StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
        using var client = node.NewClient("your-token");
        (await client.GetAsync("/artifacts/a")).StatusCode.ShouldBe(HttpStatusCode.NotFound);
        (await client.GetAsync("/metrics")).StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task Metrics_are_off_when_their_variable_says_so()
    {
        await using var node = await NodeProcess.StartAsync(Plain with { Environment = Variables.Of(($"{Prefix}PORT", "0"), ($"{Prefix}ENABLE_METRICS", "false")) });
        (await node.Client.GetAsync("/metrics")).StatusCode.ShouldBe(HttpStatusCode.NotFound);
        (await node.Client.GetAsync("/health")).StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task The_token_can_come_from_a_file_and_appears_in_no_output()
    {
        using var folder = new TestFolder();
        await File.WriteAllTextAsync(folder.File("token"), "secret-of-the-file\n");
        await using var node = await NodeProcess.StartAsync(Plain with
        {
            Environment = Variables.Of(($"{Prefix}PORT", "0"), ($"{Prefix}AUTH_TOKEN_FILE", folder.File("token"))),
        });
        using var client = node.NewClient("secret-of-the-file");
        (await client.GetAsync("/artifacts/a")).StatusCode.ShouldBe(HttpStatusCode.NotFound);
        (node.Output + node.Error).ShouldNotContain("secret-of-the-file");
    }

    [Fact]
    public async Task A_flag_wins_over_a_variable()
    {
        await using var node = await NodeProcess.StartAsync(Plain with { Arguments = ["--port", "0"], Environment = Variables.Of(($"{Prefix}PORT", "1")) });
        (await node.Client.GetAsync("/health")).StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task Without_any_setting_the_store_is_in_the_users_data_folder()
    {
        await using var node = await NodeProcess.StartAsync(Plain with { Arguments = ["--port", "0"] });
        node.Url.Host.ShouldBe("127.0.0.1");
        Directory.Exists(Path.Combine(node.Folder, "edgecache")).ShouldBeTrue();
    }
}
