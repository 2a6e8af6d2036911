using System.Net;
using EdgeCache.TestKit;

namespace EdgeCache.System.Tests;

/// <summary>The command that re-hashes what is stored, as a process of its own.</summary>
public sealed class ScrubTests
{
    [Fact]
    public async Task It_waits_for_no_node_finds_what_was_damaged_and_the_next_node_heals_it()
    {
        using var folder = new TestFolder();
        var setup = new NodeSetup { Storage = folder.File("store") };
        var content = Blobs.Bytes(2_000_000);
        await using (var node = await NodeProcess.StartAsync(setup))
        {
            using var body = new ByteArrayContent(content);
            (await node.Client.PutAsync("/artifacts/a", body)).StatusCode.ShouldBe(HttpStatusCode.Created);
            var beside = await ScrubAsync(setup);
            beside.ExitCode.ShouldBe(3);
            beside.Error.ShouldContain($"is in use by process {node.Id}.");
            node.Terminate();
            await node.WaitForExitAsync();
        }
        var clean = await ScrubAsync(setup);
        clean.ExitCode.ShouldBe(0, clean.Error);
        clean.Output.ShouldStartWith("Scrubbed 1 blobs, ");

        var file = Directory.GetFiles(Path.Combine(folder.Path, "store", "blobs"), "*", SearchOption.AllDirectories).ShouldHaveSingleItem();
        await using (var bits = new FileStream(file, FileMode.Open))
        {
            bits.Position = 1_500_000;
            var value = bits.ReadByte();
            bits.Position = 1_500_000;
            bits.WriteByte((byte)(value ^ 1));
        }
        var damaged = await ScrubAsync(setup);
        damaged.ExitCode.ShouldBe(1, damaged.Error);
        damaged.Output.ShouldContain("1 damaged");
        Directory.GetFiles(Path.Combine(folder.Path, "store", "quarantine")).ShouldHaveSingleItem();

        await using var next = await NodeProcess.StartAsync(setup);
        (await next.Client.GetAsync("/artifacts/a")).StatusCode.ShouldBe(HttpStatusCode.NotFound);
        using var again = new ByteArrayContent(content);
        (await next.Client.PutAsync("/artifacts/a", again)).StatusCode.ShouldBe(HttpStatusCode.Created);
        (await next.Client.GetByteArrayAsync("/artifacts/a")).ShouldBe(content);
    }

    private static Task<ToolRun> ScrubAsync(NodeSetup setup) => NodeProcess.RunAsync(setup with { Arguments = ["scrub", "--rate", "1TiB"] });
}
