using System.Globalization;
using System.Text.RegularExpressions;
using EdgeCache.TestKit;

namespace EdgeCache.Bench.Signing;

/// <summary>Hits of one blob of 4 KiB by wrk, unsigned and signed in turns, from one node in a process of its own.</summary>
internal static partial class Hits
{
    private const int Rounds = 5;
    private const int Seconds = 4;

    public static async Task RunAsync(TextWriter output)
    {
        var wrk = Tools.Find("wrk") ?? throw new InvalidOperationException("wrk is not installed: apt-get install wrk");
        await using var node = await NodeProcess.StartAsync(new NodeSetup
        {
            Config = """{"EdgeCache": {"SignedUrls": {"own": {"Methods": ["GET", "PUT"], "Keys": {"k1": {"Secret": "0123456789abcdef0123456789abcdef"}}}}, "Namespaces": {"signed": {"SignedUrl": "own"}, "plain": {}}}}""",
        });
        foreach (var address in (string[])["/cache/plain/blob", await SignAsync(node, "PUT")])
        {
            using var content = new ByteArrayContent(Blobs.Bytes(4096));
            (await node.Client.PutAsync(address, content)).EnsureSuccessStatusCode();
        }
        var signed = await SignAsync(node, "GET");
        var (plainRates, signedRates, ratios) = (new List<double>(), new List<double>(), new List<double>());
        for (var round = -1; round < Rounds; round++)
        {
            var one = await LoadAsync(wrk, new Uri(node.Url, "/cache/plain/blob"));
            var other = await LoadAsync(wrk, new Uri(node.Url, signed));
            if (round < 0)
                continue;
            plainRates.Add(one);
            signedRates.Add(other);
            ratios.Add(other / one);
        }
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"unsigned {Median(plainRates):0}/s, signed {Median(signedRates):0}/s, median of the rounds' ratios {Median(ratios):0.000}"));
    }

    private static async Task<string> SignAsync(NodeProcess node, string method) =>
        (await ToolRun.RunAsync(NodeProcess.Executable, ["sign", "/cache/signed/blob", "--method", method, "--config", node.ConfigFile, "--storage", "/nonexistent/store"])).Succeeded().Trim();

    private static async Task<double> LoadAsync(string wrk, Uri address)
    {
        var output = (await ToolRun.RunAsync(wrk, ["-t1", "-c32", $"-d{Seconds}s", address.AbsoluteUri])).Succeeded();
        if (output.Contains("Non-2xx", StringComparison.Ordinal) || output.Contains("Socket errors", StringComparison.Ordinal))
            throw new InvalidOperationException($"wrk saw errors, so its figures mean nothing.\n{output}");
        return double.Parse(RateLine.Match(output).Groups["rate"].Value, CultureInfo.InvariantCulture);
    }

    private static double Median(List<double> figures) => figures.Order().ElementAt(figures.Count / 2);

    [GeneratedRegex(@"^Requests/sec:\s+(?<rate>[\d.]+)", RegexOptions.Multiline | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex RateLine { get; }
}
