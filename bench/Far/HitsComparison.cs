using System.Diagnostics;
using System.Net;
using System.Security.Cryptography;
using EdgeCache.TestKit;

namespace EdgeCache.Bench.Far;

/// <summary>Hits on one hot key: a node in front of the bucket against one with nothing behind it.</summary>
internal sealed class HitsComparison(Settings settings, Bucket bucket)
{
    private const int Connections = 32;
    private static readonly int[] Lengths = [4 * 1024, 64 * 1024];

    public async Task RunAsync(CancellationToken cancel)
    {
        using var folder = new TestFolder();
        var wrk = new Wrk(Tools.Require("wrk", "wrk"), folder);
        await using var tiered = await bucket.StartNodeAsync(isTiered: true);
        await using var local = await bucket.StartNodeAsync(isTiered: false);
        Console.WriteLine($"\nHits on one key, {Connections} connections, medians of {settings.Rounds} rounds of {settings.Seconds} s, taking turns:\n");
        Console.WriteLine("| body | node | requests/s | p99 ms | CPU µs/request |\n|---|---|---:|---:|---:|");
        foreach (var length in Lengths)
        {
            var path = $"/artifacts/hit{length}";
            var contenders = new (string Name, NodeProcess Node, List<Sample> Samples)[] { ("in front of the bucket", tiered, []), ("local only", local, []) };
            foreach (var (_, node, _) in contenders)
            {
                await PutAsync(node, path, length, cancel);
                await MeasureAsync(wrk, node, path, length);
            }
            bucket.Network.Forget();
            for (var round = 0; round < settings.Rounds; round++)
            {
                foreach (var (_, node, samples) in contenders)
                    samples.Add(await MeasureAsync(wrk, node, path, length));
            }
            if (bucket.Network.Requests.Count > 0)
                throw new InvalidOperationException($"The bucket was asked {bucket.Network.Requests.Count} times: these are no hits.");
            foreach (var (name, _, samples) in contenders)
                Console.WriteLine($"| {length / 1024} KiB | {name} | {Figures.Median(samples, s => s.Rate):N0} | {Figures.Median(samples, s => s.P99):0.00} | {Figures.Median(samples, s => s.Cpu):0.0} |");
            var ratios = contenders[0].Samples.Zip(contenders[1].Samples, (t, l) => t.Rate / l.Rate).ToList();
            Console.WriteLine($"| {length / 1024} KiB | rate, first / second | {Figures.Median(ratios, r => r):0.00} ({ratios.Min():0.00} to {ratios.Max():0.00}) | | |");
        }
    }

    private static async Task PutAsync(NodeProcess node, string path, int length, CancellationToken cancel)
    {
        using var content = new ByteArrayContent(RandomNumberGenerator.GetBytes(length));
        using var answer = await node.Client.PutAsync(path, content, cancel);
        if (answer.StatusCode != HttpStatusCode.Created)
            throw new InvalidOperationException($"{path} could not be stored: {(int)answer.StatusCode} {await answer.Content.ReadAsStringAsync(cancel)}");
    }

    private async Task<Sample> MeasureAsync(Wrk wrk, NodeProcess node, string path, int length)
    {
        using var process = Process.GetProcessById(node.Id);
        var before = process.TotalProcessorTime;
        var load = await wrk.GetAsync(new Uri(node.Url, path), length, Connections, settings.Seconds);
        process.Refresh();
        return new Sample(load.Requests / load.Seconds, load.P99, (process.TotalProcessorTime - before).TotalMicroseconds / load.Requests);
    }

    /// <summary>Requests a second, milliseconds within which 99 of 100 were answered, and the node's processor time for a request in microseconds.</summary>
    private readonly record struct Sample(double Rate, double P99, double Cpu);
}
