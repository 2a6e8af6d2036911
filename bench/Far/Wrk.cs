using System.Globalization;
using System.Text.RegularExpressions;
using EdgeCache.TestKit;

namespace EdgeCache.Bench.Far;

/// <summary>Load by wrk. A script prints its totals in one line, because the usual output is rounded for people.</summary>
internal sealed partial class Wrk(string program, TestFolder folder)
{
    private const string Script = """
        done = function(summary, latency, requests)
          local e = summary.errors
          io.write(string.format("totals requests=%d us=%d bytes=%d errors=%d p99=%d\n", summary.requests, summary.duration,
            summary.bytes, e.connect + e.read + e.write + e.status + e.timeout, latency:percentile(99)))
        end

        """;

    /// <summary>On top of the run itself: wrk waits for nothing at the end, so this only bounds a wrk that hangs.</summary>
    private static readonly TimeSpan Slack = TimeSpan.FromSeconds(30);

    /// <summary>GETs of one address for some seconds. An answer that is an error, or shorter than the body, fails the run.</summary>
    public async Task<Load> GetAsync(Uri address, int length, int connections, int seconds)
    {
        var script = folder.File("totals.lua");
        await File.WriteAllTextAsync(script, Script);
        string[] arguments = [$"-t{Math.Min(2, connections)}", $"-c{connections}", $"-d{seconds}s", "--timeout", "30s", "--latency", "-s", script, address.AbsoluteUri];
        var output = (await ToolRun.RunAsync(program, arguments, limit: TimeSpan.FromSeconds(seconds) + Slack)).Succeeded();
        var match = TotalsLine.Match(output);
        if (!match.Success || Number("errors") > 0 || Number("requests") == 0 || Number("bytes") < Number("requests") * length)
            throw new InvalidOperationException($"wrk saw errors, so its figures mean nothing.\n{output}");
        return new Load(Number("requests"), Number("us") / 1e6, Number("p99") / 1e3);

        double Number(string name) => double.Parse(match.Groups[name].Value, CultureInfo.InvariantCulture);
    }

    [GeneratedRegex(@"^totals requests=(?<requests>\d+) us=(?<us>\d+) bytes=(?<bytes>\d+) errors=(?<errors>\d+) p99=(?<p99>\d+)$", RegexOptions.Multiline | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex TotalsLine { get; }
}

/// <summary>What wrk saw: requests answered, the seconds they took, and the milliseconds within which 99 of 100 were answered.</summary>
internal readonly record struct Load(double Requests, double Seconds, double P99);
