using System.Diagnostics;

namespace EdgeCache.Bench.Peers.Load;

/// <summary>
/// The least that any durable store of small bodies can do: append them to one file in batches, one write and one sync for each
/// batch, with no protocol, no names and no checksum.
/// </summary>
internal static class BareProgram
{
    public const int Batch = 32;

    /// <summary>So that a very fast disk does not fill up.</summary>
    private const long MostBytes = 16L * 1024 * BodySize.MiB;

    public static Sample Run(Workspace workspace, int size, int batch, TimeSpan time, CancellationToken cancel)
    {
        var body = new ReadOnlyMemory<byte>(File.ReadAllBytes(workspace.Payload(size)));
        var bodies = Enumerable.Repeat(body, batch).ToList();
        var file = Path.Combine(workspace.NewFolder("bare"), "log");
        var times = new List<double>();
        using var handle = File.OpenHandle(file, FileMode.CreateNew, FileAccess.Write, FileShare.None, FileOptions.DeleteOnClose);

        var cpu = Environment.CpuUsage.TotalTime;
        var begin = Stopwatch.GetTimestamp();
        for (var offset = 0L; Stopwatch.GetElapsedTime(begin) < time && offset < MostBytes; offset += (long)size * batch)
        {
            cancel.ThrowIfCancellationRequested();
            var start = Stopwatch.GetTimestamp();
            RandomAccess.Write(handle, bodies, offset);
            RandomAccess.FlushToDisk(handle);
            times.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
        }

        var load = new LoadResult((double)times.Count * batch, Stopwatch.GetElapsedTime(begin).TotalSeconds, Sample.Percentile99(times));
        return new(load, (Environment.CpuUsage.TotalTime - cpu).TotalSeconds);
    }
}
