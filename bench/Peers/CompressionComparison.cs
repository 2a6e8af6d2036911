using EdgeCache.Bench.Peers.Load;
using EdgeCache.Bench.Peers.Servers;

namespace EdgeCache.Bench.Peers;

/// <summary>
/// What compression at rest costs, EdgeCache against itself: a hit that is sent as it is stored against a hit of noise of as many bytes; a hit that is decoded against one of noise as
/// long as its content; and PUTs of noise, which is looked at and stored as it is, against a node that does not look. The content is what a build makes: the assemblies of the
/// product.
/// </summary>
internal sealed class CompressionComparison(Settings settings, Workspace workspace, EdgeCacheServer product)
{
    /// <summary>Senders of PUTs: enough to keep the server busy, few enough to leave it a processor.</summary>
    private const int Senders = 4;

    private int _runs;

    public async Task<List<CaseResult>> RunAsync(CancellationToken cancel)
    {
        var results = new List<CaseResult>();

        // What is asked for is to be there as it will be, and not as it came.
        var atOnce = product with { Environment = [.. product.Environment, new("EdgeCache__Storage__Compression__MaxDeferred", "0")] };
        await using (var edge = await atOnce.StartAsync(workspace.NewFolder("store"), cancel))
        {
            foreach (var size in settings.Sizes)
            {
                foreach (var connections in settings.Connections)
                {
                    results.AddRange(await HitsAsync(edge, size, connections, cancel));
                }
            }
        }

        foreach (var size in settings.Sizes.Where(BodySize.IsLarge))
        {
            results.Add(await PutsAsync(size, cancel));
        }

        return results;
    }

    private async Task<List<CaseResult>> HitsAsync(ServerProcess edge, int size, int connections, CancellationToken cancel)
    {
        var content = await AssembliesAsync(size, cancel);
        var coded = edge.Url($"/artifacts/coded-{size}");

        // How busy the processors are is measured when something is written, since the time before; that was the load of the case before.
        await edge.WaitQuietAsync(cancel);
        await PutAsync(edge.Url($"/artifacts/before-{size}"), content, cancel);
        await Task.Delay(TimeSpan.FromSeconds(1), TimeProvider.System, cancel);
        await PutAsync(coded, content, cancel);
        await Http.CheckAsync(coded, content, cancel);
        var payload = await Http.GetZstdAsync(coded, cancel);
        var (asLong, asContent) = (edge.Url($"/artifacts/noise-{payload.Length}"), edge.Url($"/artifacts/noise-{size}"));
        await PutNoiseAsync(asLong, payload.Length, cancel);
        await PutNoiseAsync(asContent, size, cancel);
        await workspace.SettleAsync(cancel);
        await edge.WaitQuietAsync(cancel);
        var (stored, decoded) = (new BenchCase("GET as stored", payload.Length, connections), new BenchCase("GET decoded", size, connections));
        return
        [
            await Rounds.RunAsync(stored, [Hits("zstd as stored", edge, coded, stored, "zstd"), Hits("noise as long", edge, asLong, stored, "zstd")], settings, cancel),
            await Rounds.RunAsync(decoded, [Hits("zstd decoded", edge, coded, decoded, accept: null), Hits("noise", edge, asContent, decoded, accept: null)], settings, cancel),
        ];
    }

    private async Task<CaseResult> PutsAsync(int size, CancellationToken cancel)
    {
        var without = product with { Environment = [.. product.Environment, new("EdgeCache__Storage__Compression__Enabled", "false")] };
        var (one, other) = (workspace.NewFolder("store"), workspace.NewFolder("store"));
        await using var on = await product.StartAsync(one, cancel);
        await using var off = await without.StartAsync(other, cancel);
        var @case = new BenchCase("PUT noise", size, Senders);
        return await Rounds.RunAsync(@case, [Puts("compression on", on, one, @case), Puts("compression off", off, other, @case)], settings, cancel);
    }

    private Contender Hits(string name, ServerProcess server, Uri url, BenchCase @case, string? accept) => new(name, async (seconds, cancel) =>
    {
        var before = server.CpuSeconds();
        var load = await WrkLoad.GetAsync(workspace, url, @case.Size, @case.Connections, seconds, cancel, accept);
        server.ThrowIfEnded();
        return new(load, server.CpuSeconds() - before);
    });

    private Contender Puts(string name, ServerProcess server, string store, BenchCase @case) => new(name, async (seconds, cancel) =>
    {
        var prefix = server.Url($"/artifacts/run{++_runs}-");
        var before = server.CpuSeconds();
        var load = await StreamLoad.PutAsync(prefix, workspace.Payload(@case.Size), @case.Connections, seconds, cancel);
        await server.WaitQuietAsync(cancel);
        server.ThrowIfEnded();
        var sample = new Sample(load, server.CpuSeconds() - before);
        // What was stored is never asked for again; its space is needed.
        Array.ForEach(Directory.GetDirectories(store, "blobs"), Workspace.Empty);
        await workspace.SettleAsync(cancel);
        return sample;
    });

    private async Task PutNoiseAsync(Uri url, int size, CancellationToken cancel)
    {
        await Http.PutFileAsync(url, workspace.Payload(size), cancel);
        // The first read holds it against its checksums.
        await Http.CheckAsync(url, await File.ReadAllBytesAsync(workspace.Payload(size), cancel), cancel);
    }

    private async Task PutAsync(Uri url, byte[] content, CancellationToken cancel)
    {
        var file = Path.Combine(workspace.Root, "content");
        await File.WriteAllBytesAsync(file, content, cancel);
        await Http.PutFileAsync(url, file, cancel);
    }

    private async Task<byte[]> AssembliesAsync(int size, CancellationToken cancel)
    {
        using var content = new MemoryStream();
        foreach (var file in Directory.EnumerateFiles(Path.GetDirectoryName(product.Executable)!, "*.dll").Order(StringComparer.Ordinal))
        {
            content.Write(await File.ReadAllBytesAsync(file, cancel));
            if (content.Length >= size)
            {
                return content.ToArray()[..size];
            }
        }

        throw new BenchException($"There are no {BodySize.Format(size)} of assemblies beside {product.Executable}.");
    }
}
