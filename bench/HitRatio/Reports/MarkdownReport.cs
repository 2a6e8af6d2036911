using System.Text;

namespace EdgeCache.Bench.HitRatio.Reports;

/// <summary>A table for each trace.</summary>
internal static class MarkdownReport
{
    public static string Write(IReadOnlyList<TraceResult> results, string command)
    {
        var text = new StringBuilder($"`{command}`\n\n");
        SummaryTable.Write(text, results);
        text.Append("\n## By trace\n\n");
        text.Append("Hit ratio of LRU in percent; of the others the difference to LRU in points, and in brackets the share of Belady's ratio. ");
        text.Append("Columns are cache sizes in percent of the footprint. WA: bytes written for each byte put.\n");
        foreach (var result in results)
        {
            Section(text, result);
        }

        return text.ToString();
    }

    private static void Section(StringBuilder text, TraceResult result)
    {
        var blobs = result.FixedSize ? "one size" : "log-normal sizes";
        text.Append($"\n### {result.Trace}, {blobs}\n\n");
        text.Append($"{result.Blobs:N0} blobs, {result.Footprint / 1048576.0:N0} MiB.\n\n| policy |");
        Header(text, "obj");
        if (!result.FixedSize)
        {
            Header(text, "bytes");
        }

        Header(text, "WA");
        text.Append($"\n|---|{string.Concat(Enumerable.Repeat("---:|", Simulation.Shares.Length * (result.FixedSize ? 2 : 3)))}\n");
        foreach (var policy in Contender.All.Select(contender => contender.Name))
        {
            Row(text, result, policy);
        }
    }

    private static void Header(StringBuilder text, string kind)
    {
        foreach (var share in Simulation.Shares)
        {
            text.Append($" {kind} {share * 100:0} |");
        }
    }

    private static void Row(StringBuilder text, TraceResult result, string policy)
    {
        text.Append($"| {policy} |");
        Ratios(text, result, policy, outcome => outcome.ObjectRatio);
        if (!result.FixedSize)
        {
            Ratios(text, result, policy, outcome => outcome.ByteRatio);
        }

        foreach (var share in Simulation.Shares)
        {
            var outcome = result.Of(policy, share);
            text.Append(outcome.Rewritten == 0 ? " |" : $" {outcome.WriteAmplification:F2} |");
        }

        text.Append('\n');
    }

    private static void Ratios(StringBuilder text, TraceResult result, string policy, Func<Outcome, double> ratio)
    {
        foreach (var share in Simulation.Shares)
        {
            var (own, lru, best) = (ratio(result.Of(policy, share)), ratio(result.Of(Contender.Lru, share)), ratio(result.Of(Contender.Belady, share)));
            var value = policy == Contender.Lru ? $"{own * 100:F1}" : $"{(own - lru) * 100:+0.0;−0.0;0.0}";
            text.Append($" {value} ({(best > 0 ? own / best : 1):F2}) |");
        }
    }
}
