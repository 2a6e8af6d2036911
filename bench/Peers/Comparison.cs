using EdgeCache.Bench.Peers.Reports;
using EdgeCache.Bench.Peers.Servers;

namespace EdgeCache.Bench.Peers;

/// <summary>The whole run: tools, the product, the comparisons asked for, the report.</summary>
internal static class Comparison
{
    public static async Task<int> RunAsync(Settings settings, CancellationToken cancel)
    {
        Tools.Require("nginx", "wrk", "dd", "sync");
        using var workspace = new Workspace(settings.Folder, settings.Content);
        var machine = await MachineFacts.ReadAsync(settings, workspace, cancel);
        foreach (var line in machine)
        {
            Console.WriteLine($"{line.Name}: {line.Value}");
        }

        var edge = await EdgeCacheServer.PrepareAsync(settings, workspace, cancel);
        List<CaseResult> hits = settings.Hits ? await new HitsComparison(settings, workspace, edge).RunAsync(cancel) : [];
        List<CaseResult> zipf = settings.Zipf ? await new ZipfComparison(settings, workspace, edge).RunAsync(cancel) : [];
        List<CaseResult> puts = settings.Puts ? await new PutsComparison(settings, workspace, edge).RunAsync(cancel) : [];
        List<CaseResult> compression = settings.Compression ? await new CompressionComparison(settings, workspace, edge).RunAsync(cancel) : [];

        var report = MarkdownReport.Write(machine, settings, hits, zipf, puts, compression);
        Console.WriteLine($"\n{report}");
        if (settings.MarkdownFile is { } file)
        {
            await File.WriteAllTextAsync(file, report, cancel);
        }

        return hits.Concat(zipf).Concat(puts).Concat(compression).Any(result => result.Failure is not null) ? 1 : 0;
    }
}
