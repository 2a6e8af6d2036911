using EdgeCache.Bench.Peers.Load;
using EdgeCache.Bench.Peers.Servers;

namespace EdgeCache.Bench.Peers;

/// <summary>Hits on many keys of which few are asked for often: the same keys in the same order of popularity for EdgeCache and for nginx.</summary>
internal sealed class ZipfComparison(Settings settings, Workspace workspace, EdgeCacheServer product)
{
    /// <summary>Keys at most: the load generator draws from a table of them.</summary>
    private const int MaxKeys = 200_000;

    private const int FillersAtOnce = 8;

    public async Task<List<CaseResult>> RunAsync(CancellationToken cancel)
    {
        var results = new List<CaseResult>();
        foreach (var size in settings.Sizes)
        {
            var keys = (int)Math.Clamp(settings.WorkingSet / size, 1, MaxKeys);
            var cases = settings.Connections.Select(connections => new BenchCase($"GET of {keys} keys", size, connections)).ToList();
            try
            {
                await RunAsync(size, keys, cases, results, cancel);
            }
            catch (BenchException exception)
            {
                Console.WriteLine($"\n{BodySize.Format(size)} could not be stored: {exception.Message}");
                results.AddRange(cases.Skip(results.Count % cases.Count).Select(@case => CaseResult.Failed(@case, exception.Message)));
            }
        }

        return results;
    }

    private async Task RunAsync(int size, int keys, List<BenchCase> cases, List<CaseResult> results, CancellationToken cancel)
    {
        var origin = workspace.NewFolder("origin");
        await using var edge = await product.StartAsync(workspace.NewFolder("store"), cancel);
        await using var nginx = await NginxServer.StartCacheAsync(workspace.NewFolder("nginx"), origin, cancel);
        await FillAsync(edge, nginx, origin, size, keys, cancel);
        foreach (var @case in cases)
        {
            Contender[] contenders = [Hits("EdgeCache", edge, "/artifacts/", keys, @case), Hits("nginx proxy_cache", nginx, "/", keys, @case)];
            results.Add(await Rounds.RunAsync(@case, contenders, settings, cancel));
        }

        Workspace.Empty(origin);
    }

    /// <summary>Bodies differ from key to key, and every one is held against what was stored.</summary>
    private async Task FillAsync(ServerProcess edge, ServerProcess nginx, string origin, int size, int keys, CancellationToken cancel)
    {
        var payload = workspace.Payload(size);
        var options = new ParallelOptions { MaxDegreeOfParallelism = FillersAtOnce, CancellationToken = cancel };
        await Parallel.ForEachAsync(Enumerable.Range(1, keys), options, async (key, stop) =>
        {
            var body = PutBody.Expected(payload, sender: 0, key);
            var file = Path.Combine(origin, $"{key}");
            await File.WriteAllBytesAsync(file, body, stop);
            await Http.PutFileAsync(edge.Url($"/artifacts/{key}"), file, stop);
            await Http.CheckAsync(edge.Url($"/artifacts/{key}"), body, stop);
            await Http.CheckAsync(nginx.Url($"/{key}"), body, stop);
        });
        await Http.CheckAsync(nginx.Url("/1"), PutBody.Expected(payload, sender: 0, 1), cancel, cacheStatus: "HIT");
        await workspace.SettleAsync(cancel);
        await edge.WaitQuietAsync(cancel);
    }

    private Contender Hits(string name, ServerProcess server, string prefix, int keys, BenchCase @case) => new(name, async (seconds, cancel) =>
    {
        var before = server.CpuSeconds();
        var load = await WrkLoad.GetZipfAsync(workspace, server.Url(prefix), keys, @case.Size, @case.Connections, seconds, cancel);
        server.ThrowIfEnded();
        return new(load, server.CpuSeconds() - before);
    });
}
