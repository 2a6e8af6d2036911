using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;

namespace EdgeCache.Bench.Peers.Load;

/// <summary>
/// The plain way to put a large body durably on the disk: <c>dd conv=fsync</c>. Its own timing is taken, which includes the sync and
/// leaves out the start of a process.
/// </summary>
internal static partial class DdLoad
{
    private static readonly TimeSpan OneLimit = TimeSpan.FromSeconds(60);

    public static async Task<LoadResult> RunAsync(Workspace workspace, int size, int writers, int seconds, CancellationToken cancel)
    {
        var folder = workspace.NewFolder("dd");
        var payload = workspace.Payload(size);
        try
        {
            var begin = Stopwatch.GetTimestamp();
            var all = await Task.WhenAll(Enumerable.Range(0, writers).Select(id => WriteAsync(folder, payload, id, begin, seconds, cancel)));
            var rate = all.Sum(times => times.Count / times.Sum());
            var count = all.Sum(times => times.Count);
            return new(count, count / rate, Sample.Percentile99([.. all.SelectMany(times => times).Select(time => time * 1000)]));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task<List<double>> WriteAsync(string folder, string payload, int id, long begin, int seconds, CancellationToken cancel)
    {
        var times = new List<double>();
        while (Stopwatch.GetElapsedTime(begin).TotalSeconds < seconds)
        {
            var target = Path.Combine(folder, $"{id}-{times.Count}");
            var text = await Tools.RunAsync("dd", [$"if={payload}", $"of={target}", "bs=1M", "conv=fsync"], OneLimit, cancel);
            var match = Copied.Match(text);
            times.Add(match.Success ? double.Parse(match.Groups["seconds"].Value, CultureInfo.InvariantCulture) : throw new BenchException($"dd said something new:\n{text}"));
        }

        return times;
    }

    [GeneratedRegex(@"copied, (?<seconds>[0-9.e+-]+) s,", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Copied { get; }
}
