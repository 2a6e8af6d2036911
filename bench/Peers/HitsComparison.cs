using EdgeCache.Bench.Peers.Load;
using EdgeCache.Bench.Peers.Servers;

namespace EdgeCache.Bench.Peers;

/// <summary>Hits on one hot key: EdgeCache against the caching proxy of nginx. Both servers stay up for all cases, as they would in use.</summary>
internal sealed class HitsComparison(Settings settings, Workspace workspace, EdgeCacheServer product)
{
    public async Task<List<CaseResult>> RunAsync(CancellationToken cancel)
    {
        var origin = workspace.NewFolder("origin");
        await using var edge = await product.StartAsync(workspace.NewFolder("store"), cancel);
        await using var nginx = await NginxServer.StartCacheAsync(workspace.NewFolder("nginx"), origin, cancel);
        var results = new List<CaseResult>();
        foreach (var size in settings.Sizes)
        {
            var cases = settings.Connections.Select(connections => new BenchCase("GET", size, connections)).ToList();
            try
            {
                await FillAsync(edge, nginx, origin, size, cancel);
            }
            catch (BenchException exception)
            {
                Console.WriteLine($"\n{BodySize.Format(size)} could not be stored: {exception.Message}");
                results.AddRange(cases.Select(@case => CaseResult.Failed(@case, exception.Message)));
                continue;
            }

            foreach (var @case in cases)
            {
                Contender[] contenders = [Hits("EdgeCache", edge, EdgePath(size), @case), Hits("nginx proxy_cache", nginx, NginxPath(size), @case)];
                results.Add(await Rounds.RunAsync(@case, contenders, settings, cancel));
            }
        }

        return results;
    }

    private async Task FillAsync(ServerProcess edge, ServerProcess nginx, string origin, int size, CancellationToken cancel)
    {
        var payload = workspace.Payload(size);
        var bytes = await File.ReadAllBytesAsync(payload, cancel);
        File.Copy(payload, origin + NginxPath(size), overwrite: true);
        await Http.PutFileAsync(edge.Url(EdgePath(size)), payload, cancel);
        await Http.CheckAsync(edge.Url(EdgePath(size)), bytes, cancel);
        await Http.CheckAsync(nginx.Url(NginxPath(size)), bytes, cancel);
        await Http.CheckAsync(nginx.Url(NginxPath(size)), bytes, cancel, cacheStatus: "HIT");
        await workspace.SettleAsync(cancel);
        await edge.WaitQuietAsync(cancel);
    }

    private Contender Hits(string name, ServerProcess server, string path, BenchCase @case) => new(name, async (seconds, cancel) =>
    {
        var before = server.CpuSeconds();
        var load = await WrkLoad.GetAsync(workspace, server.Url(path), @case.Size, @case.Connections, seconds, cancel);
        server.ThrowIfEnded();
        return new(load, server.CpuSeconds() - before);
    });

    private static string EdgePath(int size) => $"/artifacts/body-{size}";

    private static string NginxPath(int size) => $"/body-{size}";
}
