using System.CommandLine;
using EdgeCache.Bench.HitRatio.Reports;
using EdgeCache.Bench.HitRatio.Traces;

namespace EdgeCache.Bench.HitRatio;

internal static class CommandLine
{
    private const int CheckRequests = 20_000;

    private static readonly Option<int?> Requests = new("--requests") { Description = "Requests of each trace, 5000 to 5000000. Default: 600000, or 20000 with --check." };
    private static readonly Option<int> Seed = new("--seed") { Description = "Other traces of the same kind.", DefaultValueFactory = _ => 1 };
    private static readonly Option<string?> Markdown = new("--markdown") { Description = "Write the report to this file instead of the terminal." };
    private static readonly Option<bool> Check = new("--check") { Description = "Verify what must hold for every policy, and report nothing else." };

    public static Task<int> InvokeAsync(string[] args)
    {
        Requests.Validators.Add(result =>
        {
            if (!int.TryParse(result.Tokens[0].Value, out var value) || value is < 5_000 or > 5_000_000)
            {
                result.AddError("--requests must be 5000 to 5000000.");
            }
        });
        var root = new RootCommand("Hit ratios of eviction policies on synthetic traces.") { Requests, Seed, Markdown, Check };
        root.SetAction((result, cancel) => result.GetValue(Check)
            ? Task.FromResult(new SelfCheck(result.GetValue(Requests) ?? CheckRequests, result.GetValue(Seed)).Run(Console.Out) ? 0 : 1)
            : ReportAsync(result, args, cancel));
        return root.Parse(args).InvokeAsync();
    }

    private static async Task<int> ReportAsync(ParseResult result, string[] args, CancellationToken cancel)
    {
        var results = new List<TraceResult>();
        foreach (var make in new TraceSet(result.GetValue(Requests) ?? 600_000, result.GetValue(Seed)).All())
        {
            var trace = make();
            await Console.Error.WriteLineAsync($"{trace.Name}, {(trace.FixedSize ? "one size" : "log-normal sizes")}");
            results.Add(Simulation.Run(trace, cancel));
        }

        var report = MarkdownReport.Write(results, string.Join(' ', ["dotnet run -c Release --project bench/HitRatio --", .. args]));
        if (result.GetValue(Markdown) is { } file)
        {
            await File.WriteAllTextAsync(file, report, cancel);
        }
        else
        {
            await Console.Out.WriteAsync(report);
        }

        return 0;
    }
}
