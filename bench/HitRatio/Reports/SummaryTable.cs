using System.Text;

namespace EdgeCache.Bench.HitRatio.Reports;

/// <summary>Each policy over all traces and cache sizes, and where it did worst.</summary>
internal static class SummaryTable
{
    /// <summary>Writes are told from this share of the footprint on. In a smaller cache a segment is a handful of blobs, which flatters them.</summary>
    private const double ManyBlobs = 0.1;

    public static void Write(StringBuilder text, IReadOnlyList<TraceResult> results)
    {
        text.Append("## Over all traces\n\n");
        text.Append("Differences to LRU in points, over all traces with log-normal sizes and all cache sizes; objects of one size beside them. ");
        text.Append("Builds: the two traces of builds only. WA: bytes written for each byte put. Written: bytes that reach the disk, against LRU's puts. ");
        text.Append("Burst: the most that was rewritten for one put, as a share of the cache, one size. These three at cache sizes from 10 %.\n\n");
        text.Append("| policy | objects | of Belady | bytes | one size | builds | worst | where | WA | most WA | written | burst |\n");
        text.Append("|---|---:|---:|---:|---:|---:|---:|---|---:|---:|---:|---:|\n");
        foreach (var policy in Contender.All.Select(contender => contender.Name))
        {
            Row(text, policy, results);
        }
    }

    private static void Row(StringBuilder text, string policy, IReadOnlyList<TraceResult> results)
    {
        var all = Compare(policy, results);
        var sized = all.Where(pair => !pair.Trace.FixedSize).ToList();
        var worst = all.MinBy(pair => pair.Objects)!;
        var large = sized.Where(pair => pair.Outcome.CacheShare >= ManyBlobs).ToList();
        var builds = sized.Where(pair => pair.Trace.Trace.StartsWith("builds", StringComparison.Ordinal));
        text.Append($"| {policy} | {Points(sized.Average(pair => pair.Objects))} | {sized.Average(pair => pair.OfBelady):F3} ");
        text.Append($"| {Points(sized.Average(pair => pair.Bytes))} | {Points(all.Except(sized).Average(pair => pair.Objects))} ");
        text.Append($"| {Points(builds.Average(pair => pair.Objects))} | {Points(worst.Objects)} ");
        text.Append($"| {worst.Trace.Trace}, {worst.Outcome.CacheShare * 100:0} % | {large.Average(pair => pair.Outcome.WriteAmplification):F2} ");
        text.Append($"| {large.Max(pair => pair.Outcome.WriteAmplification):F2} | {large.Average(pair => pair.Written):F2} ");
        text.Append($"| {all.Max(Burst) * 100:F1} % |\n");
    }

    private static List<Pair> Compare(string policy, IReadOnlyList<TraceResult> results) =>
        [.. results.SelectMany(_ => Simulation.Shares, (result, share) => Compare(result, result.Of(policy, share)))];

    private static Pair Compare(TraceResult result, Outcome outcome)
    {
        var lru = result.Of(Contender.Lru, outcome.CacheShare);
        var best = result.Of(Contender.Belady, outcome.CacheShare);
        return new(
            result,
            outcome,
            (outcome.ObjectRatio - lru.ObjectRatio) * 100,
            (outcome.ByteRatio - lru.ByteRatio) * 100,
            outcome.ObjectRatio / best.ObjectRatio,
            outcome.Written / (double)lru.Written);
    }

    /// <summary>With one size only: a lone blob larger than its segment says nothing about a real cache.</summary>
    private static double Burst(Pair pair) =>
        pair.Trace.FixedSize && pair.Outcome.CacheShare >= ManyBlobs ? pair.Outcome.Burst / (double)pair.Outcome.Capacity : 0;

    private static string Points(double value) => value.ToString("+0.0;−0.0;0.0");

    private sealed record Pair(TraceResult Trace, Outcome Outcome, double Objects, double Bytes, double OfBelady, double Written);
}
