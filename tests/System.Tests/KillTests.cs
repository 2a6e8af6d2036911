using System.Security.Cryptography;
using EdgeCache.System.Tests.Load;
using EdgeCache.TestKit;

namespace EdgeCache.System.Tests;

/// <summary>
/// The process is killed in the middle of PUTs, replacements, deletions and GETs of all sizes, again and again. What it acknowledged is there, what was deleted stays so, and what is
/// served is whole. EDGECACHE_KILLS says how often.
/// </summary>
public sealed class KillTests
{
    private const int MostBeforeKill = 300;
    private static readonly int Kills = int.TryParse(Environment.GetEnvironmentVariable("EDGECACHE_KILLS"), out var kills) ? kills : 8;

    [Fact]
    public async Task What_was_acknowledged_outlives_every_kill()
    {
        await KillAsync(new MixedLoad(keys: 300, evicts: false, NewSeed()), "1GiB");
    }

    /// <summary>Too small for all keys: segments are emptied and removed all the time.</summary>
    [Fact]
    public async Task Nor_does_a_kill_in_the_middle_of_eviction_bring_back_what_was_deleted_or_lose_what_is_new()
    {
        var load = new MixedLoad(keys: 600, evicts: true, NewSeed());
        await KillAsync(load, "24MiB");
        load.Refused.ShouldBeLessThan(load.Acknowledged / 20, "eviction keeps up");
    }

    private static int NewSeed() => RandomNumberGenerator.GetInt32(int.MaxValue);

    private static async Task KillAsync(MixedLoad load, string maxSize)
    {
        using var store = new TestFolder();
        var seed = NewSeed();
        var random = new Random(seed);
        var setup = new NodeSetup { Storage = store.Path, Arguments = ["--max-size", maxSize], Environment = Variables.Of(MixedLoad.Namespace) };
        var node = await NodeProcess.StartAsync(setup);
        try
        {
            for (var kill = 0; kill < Kills; kill++)
            {
                var enough = load.Acknowledged + random.Next(1, MostBeforeKill);
                await load.RunAndKillAsync(node, () => load.Acknowledged < enough);
                await node.DisposeAsync();
                node = await NodeProcess.StartAsync(setup);
                await load.VerifyAsync(node, $"{load}, kill {kill}");
            }
        }
        finally
        {
            await node.DisposeAsync();
        }
        TestContext.Current.TestOutputHelper?.WriteLine($"{Kills} kills: {load}");
        load.Acknowledged.ShouldBeGreaterThan(Kills * 20);
        load.Hits.ShouldBeGreaterThan(Kills * 20);
    }
}
