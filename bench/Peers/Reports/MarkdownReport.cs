using System.Text;

namespace EdgeCache.Bench.Peers.Reports;

/// <summary>The result as Markdown, to be pasted into the documentation as it is.</summary>
internal static class MarkdownReport
{
    public static string Write(
        IReadOnlyList<(string Name, string Value)> machine,
        Settings settings,
        IReadOnlyList<CaseResult> hits,
        IReadOnlyList<CaseResult> zipf,
        IReadOnlyList<CaseResult> puts,
        IReadOnlyList<CaseResult> compression)
    {
        var text = new StringBuilder();
        foreach (var (name, value) in machine)
        {
            text.Append($"- {name}: {(name == "Command" ? $"`{value}`" : value)}\n");
        }

        text.Append($"- Medians of {settings.Rounds} rounds of {settings.Seconds} s, contenders taking turns\n");
        Section(text, "Hits", hits);
        Section(text, $"Hits on many keys, {settings.WorkingSet / BodySize.MiB} MiB in all", zipf);
        Section(text, "Durable PUTs", puts);
        Section(text, "What compression at rest costs", compression);
        return text.ToString();
    }

    private static void Section(StringBuilder text, string title, IReadOnlyList<CaseResult> results)
    {
        if (results.Count == 0)
        {
            return;
        }

        text.Append($"\n### {title}\n\n");
        Ratios(text, results);
        text.Append('\n');
        Figures(text, results);
        foreach (var failed in results.Where(result => result.Failure is not null))
        {
            text.Append($"\n{failed.Case} failed: {FirstLine(failed.Failure!)}\n");
        }
    }

    private static void Ratios(StringBuilder text, IReadOnlyList<CaseResult> results)
    {
        text.Append("| body | connections | EdgeCache against | rate | (rounds) | work per CPU | p99 (less is better) |\n");
        text.Append("|---|---:|---|---:|---:|---:|---:|\n");
        foreach (var ratio in results.SelectMany(Ratio.All))
        {
            text.Append($"| {BodySize.Format(ratio.Case.Size)} | {ratio.Case.Connections} | {ratio.Peer} | {ratio.Rate:F2} ");
            text.Append($"| {ratio.RateLow:F2} to {ratio.RateHigh:F2} | {Known(ratio.WorkPerCpu, "F2")} | {Known(ratio.P99, "F2")} |\n");
        }
    }

    private static void Figures(StringBuilder text, IReadOnlyList<CaseResult> results)
    {
        text.Append("| body | connections | | requests/s | MiB/s | p99 ms | server CPU µs/request |\n");
        text.Append("|---|---:|---|---:|---:|---:|---:|\n");
        foreach (var result in results)
        {
            foreach (var (name, samples) in result.Contenders)
            {
                var rate = Ratio.Median(samples, sample => sample.Rate);
                text.Append($"| {BodySize.Format(result.Case.Size)} | {result.Case.Connections} | {name} | {Short(rate)} ");
                text.Append($"| {Short(rate * result.Case.Size / BodySize.MiB)} | {Known(Ratio.Median(samples, sample => sample.Load.P99), "F2")} ");
                text.Append($"| {Known(Ratio.Median(samples, sample => sample.CpuMicroseconds), "N1")} |\n");
            }
        }
    }

    private static string Short(double value) => value.ToString(value < 100 ? "F1" : "N0");

    private static string Known(double value, string format) => double.IsNaN(value) ? "–" : value.ToString(format);

    private static string FirstLine(string text) => text.Split('\n')[0];
}
