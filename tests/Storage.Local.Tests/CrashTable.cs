using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using EdgeCache.Storage.Local.Tests;
using EdgeCache.Storage.Local.Tests.Simulation;

[assembly: AssemblyFixture(typeof(CrashTable))]

namespace EdgeCache.Storage.Local.Tests;

/// <summary>Gathers what the crash matrices of a run tried and found, and writes it as tables to the file that EDGECACHE_CRASH_REPORT names.</summary>
public sealed class CrashTable : IDisposable
{
    private static readonly ConcurrentQueue<(string Trouble, string Scenario, MatrixReport Report)> Reports = new();
    private static readonly ConcurrentQueue<(string Mutation, string Scenario, bool Forget, bool Found)> Mutants = new();

    public void Dispose()
    {
        if (Environment.GetEnvironmentVariable("EDGECACHE_CRASH_REPORT") is { Length: > 0 } path)
            File.WriteAllText(path, Write());
    }

    internal static void Add(string trouble, string scenario, MatrixReport report) => Reports.Enqueue((trouble, scenario, report));

    internal static void AddMutant(string mutation, string scenario, bool forgetIndex, bool found) => Mutants.Enqueue((mutation, scenario, forgetIndex, found));

    private static string Write()
    {
        var text = new StringBuilder();
        AppendSums(text, "scenario", Reports.GroupBy(r => r.Scenario, StringComparer.Ordinal));
        AppendSums(text, "trouble", Reports.GroupBy(r => r.Trouble, StringComparer.Ordinal));
        text.Append("| left out | found by | not found by |\n|---|---|---|\n");
        foreach (var mutant in Mutants.GroupBy(m => m.Mutation, StringComparer.Ordinal).OrderBy(g => g.Key, StringComparer.Ordinal))
            text.Append(CultureInfo.InvariantCulture, $"| {mutant.Key} | {Scenarios(mutant.Where(m => m.Found))} | {Scenarios(mutant.Where(m => !m.Found))} |\n");
        return text.ToString();

        static string Scenarios(IEnumerable<(string Mutation, string Scenario, bool Forget, bool Found)> mutants) =>
            string.Join(", ", mutants.Select(m => m.Scenario + (m.Forget ? " (snapshot lost)" : "")).Distinct().Order(StringComparer.Ordinal));
    }

    private static void AppendSums(StringBuilder text, string title, IEnumerable<IGrouping<string, (string Trouble, string Scenario, MatrixReport Report)>> groups)
    {
        text.Append(CultureInfo.InvariantCulture, $"| {title} | steps | states enumerated | states seeded | distinct, verified | violations |\n|---|---:|---:|---:|---:|---:|\n");
        var all = groups.OrderBy(g => g.Key, StringComparer.Ordinal).Select(g => (g.Key, g.Select(r => r.Report).ToList())).ToList();
        foreach (var (name, reports) in all.Append(("all", [.. all.SelectMany(g => g.Item2)])))
        {
            text.Append(
                CultureInfo.InvariantCulture,
                $"| {name} | {reports.Sum(r => r.Steps):N0} | {reports.Sum(r => r.States - r.Seeded):N0} | {reports.Sum(r => r.Seeded):N0} | {reports.Sum(r => r.Verified):N0} | {reports.Sum(r => r.Failures.Count)} |\n");
        }
        text.Append('\n');
    }
}
