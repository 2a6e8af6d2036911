using System.Net;
using System.Net.Sockets;

namespace EdgeCache.Edge.Tests.Configuration;

public sealed class CommandLineTests : IDisposable
{
    private readonly ConfigurationFixture _machine = new();

    public void Dispose() => _machine.Dispose();

    [Fact]
    public async Task Check_config_shows_every_option_with_its_value_and_origin()
    {
        var (exit, output, error) = await _machine.RunAsync("check-config", "--port", "9001", "--max-size", "500GB", "--storage", "/s", "--management", "127.0.0.1:9090");

        exit.ShouldBe(0);
        error.ShouldBeEmpty();
        var lines = output.Split('\n');
        lines[0].ShouldMatch("^KEY +VALUE +FROM$");
        lines.ShouldContain(l => Is(l, "EdgeCache:Listen:Port", "9001", "flag --port"));
        lines.ShouldContain(l => Is(l, "EdgeCache:Storage:MaxSize", "500 GB", "flag --max-size"));
        lines.ShouldContain(l => Is(l, "EdgeCache:Access:AllowAnonymous", "false", "default"));
        lines.ShouldContain(l => Is(l, "EdgeCache:Namespaces:artifacts:MaxAge", "1h", "default"));
        lines.Where(l => l.StartsWith("EdgeCache", StringComparison.Ordinal)).Select(l => l.IndexOf(l.Contains("flag", StringComparison.Ordinal) ? "flag" : "default", StringComparison.Ordinal)).Distinct().ShouldHaveSingleItem();
    }

    [Fact]
    public async Task Check_config_masks_secrets_wherever_they_are()
    {
        _machine.Environment["BUILDER_CACHE_SERVER_AUTH_TOKEN"] = "do-not-show";
        _machine.WriteConfig(
            """
            {"ReverseProxy": {
              "Routes": {"r": {"ClusterId": "c", "Match": {"Path": "/x"}, "Metadata": {"ApiToken": "do-not-show"},
                "Transforms": [{"RequestHeader": "Authorization", "Set": "do-not-show"}]}},
              "Clusters": {"c": {"Destinations": {"d": {"Address": "http://user:do-not-show@example.com"}}}}}}
            """);

        var (exit, output, error) = await _machine.RunAsync("check-config", "--config", "node.json");

        exit.ShouldBe(0, error);
        output.ShouldNotContain("do-not-show");
        output.Split('\n').ShouldContain(l => Is(l, "EdgeCache:Access:Token", "***", "environment BUILDER_CACHE_SERVER_AUTH_TOKEN"));
        output.Split("***").Length.ShouldBe(5);
    }

    [Theory]
    [InlineData("check-config")]
    [InlineData("serve")]
    [InlineData("cache-server")]
    [InlineData(null)]
    public async Task Every_command_lists_all_errors_and_ends_with_2(string? command)
    {
        string[] args = [.. command is null ? Array.Empty<string>() : [command], "--port", "x", "--max-size", "y", "--production", "--auth-token-file", "no-such-file"];

        var (exit, output, error) = await _machine.RunAsync(args);

        exit.ShouldBe(2);
        output.ShouldBeEmpty();
        error.ShouldStartWith("edgecache: the configuration has 3 errors:");
        error.ShouldContain("EdgeCache:Listen:Port = \"x\" (flag --port)");
        error.ShouldContain("EdgeCache:Storage:MaxSize = \"y\" (flag --max-size)");
        error.ShouldContain("EdgeCache:Access:TokenFile");
    }

    [Fact]
    public async Task The_presets_exclude_each_other()
    {
        var (exit, _, error) = await _machine.RunAsync("check-config", "--production", "--test-mode");

        exit.ShouldBe(2);
        error.ShouldContain("--production and --test-mode exclude each other");
    }

    [Theory]
    [InlineData("--prot", "1")]
    [InlineData("--auth-token", "do-not-care")]
    [InlineData("--port", "1", "--port", "2")]
    [InlineData("--port")]
    [InlineData("fly")]
    public async Task A_command_line_that_is_not_understood_ends_with_2_and_a_hint(params string[] args)
    {
        var (exit, output, error) = await _machine.RunAsync(args);

        exit.ShouldBe(2);
        output.ShouldBeEmpty();
        error.ShouldContain("edgecache --help");
    }

    [Fact]
    public async Task Help_names_commands_and_flags()
    {
        var (exit, output, _) = await _machine.RunAsync("--help");

        exit.ShouldBe(0);
        foreach (var word in (string[])["serve", "cache-server", "check-config", "list", "--config", "--host", "--port", "--storage", "--max-size", "--auth-token-file", "--allow-anonymous", "--management", "--tls-cert", "--tls-key", "--production", "--test-mode", "--version"])
            output.ShouldContain(word);
    }

    [Fact]
    public async Task A_port_in_use_is_one_line_and_exit_code_1()
    {
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        var port = ((IPEndPoint)taken.LocalEndpoint).Port;

        var (exit, output, error) = await _machine.RunAsync("--port", $"{port}", "--storage", "store");

        exit.ShouldBe(1);
        output.ShouldBeEmpty();
        error.TrimEnd().ShouldBe($"edgecache: Failed to bind to address http://127.0.0.1:{port}: address already in use.");
    }

    private static bool Is(string line, string key, string value, string origin) =>
        line.StartsWith($"{key} ", StringComparison.Ordinal) && line.Contains($" {value} ", StringComparison.Ordinal) && line.TrimEnd().EndsWith(origin, StringComparison.Ordinal);
}
