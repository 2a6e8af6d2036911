using System.Security.Cryptography;
using EdgeCache.System.Tests.Load;
using EdgeCache.TestKit;

namespace EdgeCache.System.Tests;

/// <summary>
/// The real process under load for long, with a store too small for all: half of the time it is killed now and then, half of the time it lives, and its memory must not grow.
/// EDGECACHE_SOAK_SECONDS says how long.
/// </summary>
public sealed class SoakTests
{
    private const double MaxSecondsToKill = 15;

    /// <summary>What the fitted line may rise from the end of the warm-up to the end, in bytes.</summary>
    private const double MaxGrowth = 48 << 20;
    private static readonly TimeProvider Time = TimeProvider.System;
    private static readonly int Seconds = int.TryParse(Environment.GetEnvironmentVariable("EDGECACHE_SOAK_SECONDS"), out var seconds) ? seconds : 60;

    [Fact]
    public async Task Nothing_is_wrong_lost_or_back_from_the_dead_and_memory_stays_flat()
    {
        using var store = new TestFolder();
        var seed = RandomNumberGenerator.GetInt32(int.MaxValue);
        var load = new MixedLoad(keys: 1500, evicts: true, seed);
        var setup = new NodeSetup { Storage = store.Path, Arguments = ["--max-size", "40MiB"], Environment = Variables.Of(MixedLoad.Namespace) };
        var kills = await KillNowAndThenAsync(load, setup, new Random(seed));

        var memory = new List<(double Second, double Bytes)>();
        await using (var node = await NodeProcess.StartAsync(setup))
        {
            await load.VerifyAsync(node, $"seed {seed}, after the last kill");
            var began = Time.GetTimestamp();
            await load.RunAsync(node, () => Sample(node, Time.GetElapsedTime(began).TotalSeconds, memory) < Seconds / 2.0);
            node.Terminate();
            (await node.WaitForExitAsync()).ShouldBe(0);
        }
        await using (var node = await NodeProcess.StartAsync(setup))
            await load.VerifyAsync(node, $"seed {seed}, after a clean stop");

        // What the runtime compiles, pools and lets its heap grow to comes in the first third.
        var after = memory.FindAll(m => m.Second > Seconds / 6.0);
        var growth = Slope(after) * (after[^1].Second - after[0].Second);
        TestContext.Current.TestOutputHelper?.WriteLine(
            $"{Seconds} s, {kills} kills: {load}; memory {Words(after[0].Bytes)} to {Words(after[^1].Bytes)}, at most {Words(after.Max(m => m.Bytes))}, the line rises by {Words(growth)}");
        growth.ShouldBeLessThan(MaxGrowth, string.Join(' ', memory.Select(m => $"{m.Second:0}s:{Words(m.Bytes)}")));
        load.Refused.ShouldBeLessThan(load.Acknowledged / 20, "eviction keeps up");
        kills.ShouldBeGreaterThan(0);
        load.Acknowledged.ShouldBeGreaterThan(Seconds * 10);
        load.Hits.ShouldBeGreaterThan(Seconds * 10);
    }

    private static async Task<int> KillNowAndThenAsync(MixedLoad load, NodeSetup setup, Random random)
    {
        var began = Time.GetTimestamp();
        var kills = 0;
        for (; Time.GetElapsedTime(began).TotalSeconds < Seconds / 2.0; kills++)
        {
            await using var node = await NodeProcess.StartAsync(setup);
            await load.VerifyAsync(node, $"{load}, after kill {kills}");
            var life = random.NextDouble() * Math.Min(MaxSecondsToKill, Seconds / 10.0);
            var start = Time.GetTimestamp();
            await load.RunAndKillAsync(node, () => Time.GetElapsedTime(start).TotalSeconds < life);
        }
        return kills;
    }

    /// <summary>Looks at the memory once a second.</summary>
    private static double Sample(NodeProcess node, double second, List<(double Second, double Bytes)> memory)
    {
        if (memory.Count == 0 || second - memory[^1].Second >= 1)
            memory.Add((second, node.ReadMemory()));
        return second;
    }

    /// <summary>Of the line with the least squares, in bytes a second.</summary>
    private static double Slope(List<(double Second, double Bytes)> points)
    {
        var (x, y) = (points.Average(p => p.Second), points.Average(p => p.Bytes));
        return points.Sum(p => (p.Second - x) * (p.Bytes - y)) / points.Sum(p => (p.Second - x) * (p.Second - x));
    }

    private static string Words(double bytes) => $"{bytes / (1 << 20):0.0} MiB";
}
