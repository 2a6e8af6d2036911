using System.Diagnostics;

namespace EdgeCache.Bench.Peers.Load;

/// <summary>The least that a durable store of large bodies can do with several of them at once: write each to its own file and sync it.</summary>
internal static class BareFiles
{
    public static async Task<Sample> RunAsync(Workspace workspace, int size, int writers, TimeSpan time, CancellationToken cancel)
    {
        var body = await File.ReadAllBytesAsync(workspace.Payload(size), cancel);
        var folder = workspace.NewFolder("bare");
        try
        {
            var cpu = Environment.CpuUsage.TotalTime;
            var begin = Stopwatch.GetTimestamp();
            var all = await Task.WhenAll(Enumerable.Range(0, writers).Select(id => Task.Run(() => Write(folder, id, body, begin, time, cancel), cancel)));
            var times = all.SelectMany(list => list).ToList();
            var load = new LoadResult(times.Count, Stopwatch.GetElapsedTime(begin).TotalSeconds, Sample.Percentile99(times));
            return new(load, (Environment.CpuUsage.TotalTime - cpu).TotalSeconds);
        }
        finally
        {
            Workspace.Empty(folder);
        }
    }

    private static List<double> Write(string folder, int id, byte[] body, long begin, TimeSpan time, CancellationToken cancel)
    {
        var times = new List<double>();
        while (Stopwatch.GetElapsedTime(begin) < time)
        {
            cancel.ThrowIfCancellationRequested();
            var start = Stopwatch.GetTimestamp();
            using (var handle = File.OpenHandle(Path.Combine(folder, $"{id}-{times.Count}"), FileMode.CreateNew, FileAccess.Write))
            {
                // Steps of 1 MiB, as dd does it.
                for (var offset = 0; offset < body.Length; offset += BodySize.MiB)
                {
                    RandomAccess.Write(handle, body.AsSpan(offset, Math.Min(BodySize.MiB, body.Length - offset)), offset);
                }

                RandomAccess.FlushToDisk(handle);
            }

            times.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
        }

        return times;
    }
}
