using EdgeCache.Bench.Peers.Load;
using EdgeCache.Bench.Peers.Servers;

namespace EdgeCache.Bench.Peers;

/// <summary>
/// Durable PUTs of distinct keys, against nginx WebDAV (which syncs nothing) and against what the disk gives a program that does
/// nothing else. Every case has new servers and new folders.
/// </summary>
internal sealed class PutsComparison(Settings settings, Workspace workspace, EdgeCacheServer product)
{
    private int _runs;

    public async Task<List<CaseResult>> RunAsync(CancellationToken cancel)
    {
        var cases =
            from size in settings.Sizes
            from connections in BodySize.IsLarge(size) ? (int[])[1, 4] : [32]
            select new BenchCase("PUT", size, connections);
        var results = new List<CaseResult>();
        foreach (var @case in cases)
        {
            results.Add(await RunAsync(@case, cancel));
        }

        return results;
    }

    private async Task<CaseResult> RunAsync(BenchCase @case, CancellationToken cancel)
    {
        var (store, root, folder) = (workspace.NewFolder("store"), workspace.NewFolder("dav"), workspace.NewFolder("nginx"));
        try
        {
            await using var edge = await product.StartAsync(store, cancel);
            await using var nginx = await NginxServer.StartDavAsync(folder, root, @case.Size, cancel);
            Contender[] contenders =
            [
                Puts("EdgeCache", edge, @case, run => $"/artifacts/{run}-", _ => { }),
                Puts("nginx WebDAV", nginx, @case, run => $"/{run}/", run => Workspace.Empty(Path.Combine(root, run))),
                Baseline(@case),
            ];
            return await Rounds.RunAsync(@case, contenders, settings, cancel);
        }
        catch (BenchException exception)
        {
            Console.WriteLine($"\n{@case} failed: {exception.Message}");
            return CaseResult.Failed(@case, exception.Message);
        }
        finally
        {
            // Six cases of several GiB each would not fit on every disk together.
            Array.ForEach([store, root], Workspace.Empty);
            await workspace.SettleAsync(cancel);
        }
    }

    private Contender Puts(string name, ServerProcess server, BenchCase @case, Func<string, string> prefixOf, Action<string> forget) => new(name, async (seconds, cancel) =>
    {
        var run = $"run{++_runs}";
        var prefix = server.Url(prefixOf(run));
        var payload = workspace.Payload(@case.Size);
        var large = BodySize.IsLarge(@case.Size);
        var before = server.CpuSeconds();
        var load = large
            ? await StreamLoad.PutAsync(prefix, payload, @case.Connections, seconds, cancel)
            : await WrkLoad.PutAsync(workspace, prefix, payload, @case.Connections, seconds, cancel);
        await server.WaitQuietAsync(cancel);
        server.ThrowIfEnded();
        var sample = new Sample(load, server.CpuSeconds() - before);

        var (sender, number) = large ? StreamLoad.EarlyPut : WrkLoad.EarlyPut;
        await Http.CheckAsync(new Uri($"{prefix}{sender}-{number}"), PutBody.Expected(payload, sender, number), cancel);
        forget(run);
        await workspace.SettleAsync(cancel);
        return sample;
    });

    /// <summary>What the disk gives to a program that does nothing else.</summary>
    private Contender Baseline(BenchCase @case) => BodySize.IsLarge(@case.Size) && @case.Connections == 1 ? Dd(@case) : Bare(@case);

    private Contender Dd(BenchCase @case) => new("dd conv=fsync", async (seconds, cancel) =>
    {
        var load = await DdLoad.RunAsync(workspace, @case.Size, seconds, cancel);
        await workspace.SettleAsync(cancel);
        return new(load, double.NaN);
    });

    private Contender Bare(BenchCase @case) => new("bare program", async (seconds, cancel) =>
    {
        var time = TimeSpan.FromSeconds(seconds);
        var sample = BodySize.IsLarge(@case.Size)
            ? await BareFiles.RunAsync(workspace, @case.Size, @case.Connections, time, cancel)
            : await Task.Run(() => BareProgram.Run(workspace, @case.Size, BareProgram.Batch, time, cancel), cancel);
        await workspace.SettleAsync(cancel);
        return sample;
    });
}
