using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;

namespace EdgeCache.Bench.Peers.Load;

/// <summary>
/// The plain way to put a large body durably on the disk: <c>dd conv=fsync</c>. Its own timing is taken, which includes the sync and
/// leaves out the start of a process. One at a time only: of several, each would find the disk idle while the others start.
/// </summary>
internal static partial class DdLoad
{
    private static readonly TimeSpan OneLimit = TimeSpan.FromSeconds(60);

    public static async Task<LoadResult> RunAsync(Workspace workspace, int size, int seconds, CancellationToken cancel)
    {
        var folder = workspace.NewFolder("dd");
        var payload = workspace.Payload(size);
        try
        {
            var times = new List<double>();
            for (var begin = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(begin).TotalSeconds < seconds;)
            {
                times.Add(await WriteAsync(payload, Path.Combine(folder, $"{times.Count}"), cancel));
            }

            return new(times.Count, times.Sum(), Sample.Percentile99([.. times.Select(time => time * 1000)]));
        }
        finally
        {
            Workspace.Empty(folder);
        }
    }

    private static async Task<double> WriteAsync(string payload, string target, CancellationToken cancel)
    {
        var text = await Tools.RunAsync("dd", [$"if={payload}", $"of={target}", "bs=1M", "conv=fsync"], OneLimit, cancel);
        var match = Copied.Match(text);
        return match.Success ? double.Parse(match.Groups["seconds"].Value, CultureInfo.InvariantCulture) : throw new BenchException($"dd said something new.\n{text}");
    }

    [GeneratedRegex(@"copied, (?<seconds>[0-9.e+-]+) s,", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Copied { get; }
}
