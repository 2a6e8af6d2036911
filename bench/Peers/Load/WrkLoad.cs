using System.Globalization;
using System.Text.RegularExpressions;

namespace EdgeCache.Bench.Peers.Load;

/// <summary>Load by wrk. A script prints its totals in one line, because the usual output is rounded for people.</summary>
internal static partial class WrkLoad
{
    /// <summary>On top of the run itself: wrk waits for nothing at the end, so this only bounds a wrk that hangs.</summary>
    private static readonly TimeSpan Slack = TimeSpan.FromSeconds(30);

    private const string Totals = """
        done = function(summary, latency, requests)
          local e = summary.errors
          io.write(string.format("totals requests=%d us=%d bytes=%d errors=%d p99=%d\n", summary.requests, summary.duration,
            summary.bytes, e.connect + e.read + e.write + e.status + e.timeout, latency:percentile(99)))
        end

        """;

    /// <summary>GETs of one address; with an Accept-Encoding, where that is not null.</summary>
    public static async Task<LoadResult> GetAsync(Workspace workspace, Uri url, int size, int connections, int seconds, CancellationToken cancel, string? accept = null)
    {
        var script = Path.Combine(workspace.Root, "get.lua");
        await File.WriteAllTextAsync(script, (accept is null ? "" : $"wrk.headers[\"Accept-Encoding\"] = \"{accept}\"\n") + Totals, cancel);
        return await GetAsync(url, script, size, connections, seconds, cancel);
    }

    /// <summary>GETs of the keys 1 to <paramref name="keys"/> below <paramref name="prefix"/>, key n with a probability in proportion to 1/n: Zipf's law. Each run draws the same keys.</summary>
    public static async Task<LoadResult> GetZipfAsync(
        Workspace workspace, Uri prefix, int keys, int size, int connections, int seconds, CancellationToken cancel)
    {
        var script = Path.Combine(workspace.Root, "zipf.lua");
        await File.WriteAllTextAsync(script, ZipfScript(prefix, keys) + Totals, cancel);
        return await GetAsync(prefix, script, size, connections, seconds, cancel);
    }

    private static async Task<LoadResult> GetAsync(Uri url, string script, int size, int connections, int seconds, CancellationToken cancel)
    {
        var totals = await RunAsync(url, script, connections, seconds, cancel);
        // In five seconds few 64 MiB bodies end, and 32 are under way when time is up: count bytes, of which headers are a negligible part.
        var result = BodySize.IsLarge(size) ? totals.Result with { Requests = totals.Bytes / size } : totals.Result;
        return result.Requests > 0 ? result : throw new BenchException("wrk got no answers.");
    }

    /// <summary>PUTs of distinct keys, named by <paramref name="prefix"/>, the thread and a counter.</summary>
    public static async Task<LoadResult> PutAsync(Workspace workspace, Uri prefix, string payload, int connections, int seconds, CancellationToken cancel)
    {
        var script = Path.Combine(workspace.Root, "put.lua");
        await File.WriteAllTextAsync(script, PutScript(prefix, payload) + Totals, cancel);
        return (await RunAsync(prefix, script, connections, seconds, cancel)).Result;
    }

    /// <summary>
    /// The key of an early request of <see cref="PutAsync"/>: the second, because wrk builds the first of thread 0 only to look at it.
    /// </summary>
    public static (int Sender, int Number) EarlyPut => (0, 2);

    /// <summary>The keys are drawn before the run, so that drawing takes nothing from it.</summary>
    private static string ZipfScript(Uri prefix, int keys) => $$"""
        local threads = 0
        setup = function(thread)
          thread:set("id", threads)
          threads = threads + 1
        end
        local drawn, count, number = {}, 200000, 0
        init = function(args)
          math.randomseed(id + 1)
          local sums, sum = {}, 0
          for key = 1, {{keys}} do
            sum = sum + 1 / key
            sums[key] = sum
          end
          for i = 1, count do
            local x, low, high = math.random() * sum, 1, {{keys}}
            while low < high do
              local middle = math.floor((low + high) / 2)
              if sums[middle] < x then low = middle + 1 else high = middle end
            end
            drawn[i] = "GET {{prefix.AbsolutePath}}" .. low .. " HTTP/1.1\r\nHost: {{prefix.Authority}}\r\n\r\n"
          end
        end
        request = function()
          number = number % count + 1
          return drawn[number]
        end

        """;

    private static string PutScript(Uri prefix, string payload) => $$"""
        local threads = 0
        setup = function(thread)
          thread:set("id", threads)
          threads = threads + 1
        end
        local head, tail, number
        init = function(args)
          local file = io.open("{{payload}}", "rb")
          local body = file:read("*a")
          file:close()
          head = "PUT {{prefix.AbsolutePath}}" .. id .. "-"
          tail = " HTTP/1.1\r\nHost: {{prefix.Authority}}\r\nContent-Length: " .. #body .. "\r\n\r\n"
          rest = body:sub({{PutBody.StampLength + 1}})
          number = 0
        end
        request = function()
          number = number + 1
          return head .. number .. tail .. string.format("%08x%08x", id, number) .. rest
        end

        """;

    private static async Task<(LoadResult Result, double Bytes)> RunAsync(Uri url, string script, int connections, int seconds, CancellationToken cancel)
    {
        string[] arguments = [$"-t{Math.Min(2, connections)}", $"-c{connections}", $"-d{seconds}s", "--timeout", "30s", "--latency", "-s", script, url.AbsoluteUri];
        var text = await Tools.RunAsync("wrk", arguments, TimeSpan.FromSeconds(seconds) + Slack, cancel);
        var match = TotalsLine.Match(text);
        if (!match.Success || Number("errors") > 0)
        {
            throw new BenchException($"wrk saw {(match.Success ? Number("errors") : "unknown")} errors, so its figures mean nothing.\n{text.Trim()}");
        }

        var requests = Number("requests");
        return (new(requests, Number("us") / 1e6, requests > 0 ? Number("p99") / 1e3 : double.NaN), Number("bytes"));

        double Number(string name) => double.Parse(match.Groups[name].Value, CultureInfo.InvariantCulture);
    }

    [GeneratedRegex(@"^totals requests=(?<requests>\d+) us=(?<us>\d+) bytes=(?<bytes>\d+) errors=(?<errors>\d+) p99=(?<p99>\d+)$",
        RegexOptions.Multiline | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex TotalsLine { get; }
}
