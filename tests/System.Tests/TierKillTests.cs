using System.Globalization;
using System.Security.Cryptography;
using EdgeCache.System.Tests.Load;
using EdgeCache.TestKit;

namespace EdgeCache.System.Tests;

/// <summary>
/// A node in front of a real bucket is killed in the middle of PUTs, uploads, fetches and deletions, again and again. What it acknowledged it serves after the next start, though its disk holds
/// a part of it only; and it gets into the bucket, byte for byte, where another node finds it. EDGECACHE_TIER_KILLS says how often.
/// </summary>
public sealed class TierKillTests(S3Fixture fixture) : IClassFixture<S3Fixture>
{
    private const int MostBeforeKill = 150;
    private static readonly int Kills = int.TryParse(Environment.GetEnvironmentVariable("EDGECACHE_TIER_KILLS"), out var kills) ? kills : 3;
    private static readonly TimeSpan DrainLimit = TimeSpan.FromSeconds(120);

    [Theory]
    [InlineData("back")]
    [InlineData("through")]
    public async Task What_was_acknowledged_gets_into_the_bucket_over_every_kill(string write)
    {
        var server = await fixture.RequireAsync();
        var seed = RandomNumberGenerator.GetInt32(int.MaxValue);
        var random = new Random(seed);
        var load = new MixedLoad(keys: 150, evicts: false, seed);
        using var store = new TestFolder();
        using var other = new TestFolder();
        var setup = SetupOf(server, write, store.Path, prefix: $"{write}/");
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
            await Eventually.TrueAsync(async () => await WaitingAsync(node) == 0, DrainLimit, "nothing waits to be sent");
            (await ReadAsync(node, "edgecache_outbox_entries{state=\"parked\"}")).ShouldBe(0);
            await using var second = await NodeProcess.StartAsync(SetupOf(server, write, other.Path, prefix: $"{write}/"));
            await load.VerifyAsync(second, $"{load}, from the bucket alone");
        }
        finally
        {
            await node.DisposeAsync();
        }
        TestContext.Current.TestOutputHelper?.WriteLine($"{write}, {Kills} kills: {load}");
        load.Acknowledged.ShouldBeGreaterThan(Kills * 10);
    }

    private NodeSetup SetupOf(S3Server server, string write, string storage, string prefix) => new()
    {
        Storage = storage,
        Arguments = ["--max-size", "24MiB"],
        Environment = Variables.Of(
            MixedLoad.Namespace,
            ("EdgeCache__Namespaces__live__Write", write),
            ("EdgeCache__Storage__S3__Endpoint", server.Endpoint.AbsoluteUri),
            ("EdgeCache__Storage__S3__Region", server.Region),
            ("EdgeCache__Storage__S3__Bucket", fixture.Bucket),
            ("EdgeCache__Storage__S3__Prefix", prefix),
            ("EdgeCache__Storage__S3__AccessKey", server.AccessKey),
            ("EdgeCache__Storage__S3__SecretKey", server.SecretKey)),
    };

    private static Task<double> WaitingAsync(NodeProcess node) => ReadAsync(node, "edgecache_outbox_entries{state=\"waiting\"}");

    private static async Task<double> ReadAsync(NodeProcess node, string series)
    {
        var line = (await node.Client.GetStringAsync("/metrics")).Split('\n').Single(l => l.StartsWith(series + " ", StringComparison.Ordinal));
        return double.Parse(line[(series.Length + 1)..], CultureInfo.InvariantCulture);
    }
}
