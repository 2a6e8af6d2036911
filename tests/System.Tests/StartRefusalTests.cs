using System.Net;
using System.Net.Sockets;
using EdgeCache.TestKit;

namespace EdgeCache.System.Tests;

/// <summary>A node that can't or must not start says why, on standard error, and its exit code tells which of the two it is.</summary>
public sealed class StartRefusalTests
{
    private const int CannotStart = 1;
    private const int WrongConfiguration = 2;

    [Fact]
    public async Task A_folder_that_another_node_uses_is_refused_with_one_line_that_names_the_process()
    {
        await using var first = await NodeProcess.StartAsync();
        var second = await NodeProcess.RunAsync(new NodeSetup { Storage = Path.Combine(first.Folder, "store") });
        second.ExitCode.ShouldBe(CannotStart);
        OneLine(second.Error).ShouldContain($"is in use by process {first.Id}.");
        second.Output.ShouldBeEmpty();
        (await first.Client.GetAsync("/health/ready")).StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task A_port_in_use_is_refused_with_one_line_that_names_it()
    {
        using var other = new TcpListener(IPAddress.Loopback, 0);
        other.Start();
        var port = ((IPEndPoint)other.LocalEndpoint).Port;
        var node = await NodeProcess.RunAsync(new NodeSetup { OwnPort = true, Arguments = ["--port", $"{port}"] });
        node.ExitCode.ShouldBe(CannotStart);
        OneLine(node.Error).ShouldContain($"127.0.0.1:{port}");
        node.Error.ShouldContain("address already in use");
    }

    [Fact]
    public async Task Every_error_of_a_configuration_is_told_at_once()
    {
        var node = await NodeProcess.RunAsync(new NodeSetup
        {
            OwnPort = true,
            Arguments = ["--port", "99999", "--max-size", "many"],
            Config = """{ "EdgeCache": { "Listen": { "Hots": "127.0.0.1" }, "Namespaces": { "BAD": {} } } }""",
            Environment = Variables.Of(("BUILDER_CACHE_SERVER_PROT", "1")),
        });
        node.ExitCode.ShouldBe(WrongConfiguration);
        node.Error.ShouldContain("the configuration has 5 errors:");
        foreach (var part in (string[])["99999", "many", "Hots", "BAD", "BUILDER_CACHE_SERVER_PROT"])
            node.Error.ShouldContain(part);
        node.Error.ShouldNotContain("   at ");
    }

    [Fact]
    public async Task An_unknown_flag_is_refused()
    {
        var node = await NodeProcess.RunAsync(new NodeSetup { Arguments = ["--no-such-flag"] });
        node.ExitCode.ShouldBe(WrongConfiguration);
        node.Error.ShouldContain("--no-such-flag");
    }

    [Fact]
    public async Task Listening_beyond_this_machine_without_a_token_is_refused_and_the_ways_out_are_named()
    {
        var node = await NodeProcess.RunAsync(new NodeSetup { Arguments = ["--host", "0.0.0.0"] });
        node.ExitCode.ShouldBe(WrongConfiguration);
        node.Error.ShouldContain("everybody who reaches this address could read and write");
        foreach (var way in (string[])["BUILDER_CACHE_SERVER_AUTH_TOKEN_FILE", "127.0.0.1", "--allow-anonymous"])
            node.Error.ShouldContain(way);
    }

    [Fact]
    public async Task Listening_beyond_this_machine_without_a_token_is_possible_by_name()
    {
        await using var node = await NodeProcess.StartAsync(new NodeSetup { Arguments = ["--host", "0.0.0.0", "--allow-anonymous"] });
        using var content = new ByteArrayContent([1]);
        (await node.Client.PutAsync("/artifacts/a", content)).StatusCode.ShouldBe(HttpStatusCode.Created);
        node.Output.ShouldContain("no token needed");
    }

    private static string OneLine(string text) => text.TrimEnd('\n').Split('\n').ShouldHaveSingleItem();
}
