using System.Diagnostics;

namespace EdgeCache.Bench.Peers.Load;

/// <summary>
/// PUTs of large bodies, one after another on each connection. wrk would copy every body once more to build its request, on the cores
/// that the server needs.
/// </summary>
internal static class StreamLoad
{
    private static readonly TimeSpan RequestLimit = TimeSpan.FromSeconds(60);

    public static async Task<LoadResult> PutAsync(Uri prefix, string payload, int connections, int seconds, CancellationToken cancel)
    {
        using var handler = new SocketsHttpHandler { UseProxy = false, MaxConnectionsPerServer = connections };
        using var client = new HttpClient(handler) { Timeout = RequestLimit };
        var bodies = Enumerable.Range(0, connections).Select(_ => File.ReadAllBytes(payload)).ToList();
        var begin = Stopwatch.GetTimestamp();
        var senders = bodies.Select((body, id) => Task.Run(() => SendAsync(client, prefix, id, body, begin, seconds, cancel), cancel));
        var times = (await Task.WhenAll(senders)).SelectMany(list => list).ToList();
        // Up to the last answer, not to the bell: what began before it is counted in full, so its time must be too.
        return new(times.Count, Stopwatch.GetElapsedTime(begin).TotalSeconds, Sample.Percentile99(times));
    }

    /// <summary>The key of an early request of <see cref="PutAsync"/>.</summary>
    public static (int Sender, int Number) EarlyPut => (0, 1);

    private static async Task<List<double>> SendAsync(HttpClient client, Uri prefix, int id, byte[] body, long begin, int seconds, CancellationToken cancel)
    {
        var times = new List<double>();
        while (Stopwatch.GetElapsedTime(begin).TotalSeconds < seconds)
        {
            PutBody.Stamp(body, id, times.Count + 1);
            var start = Stopwatch.GetTimestamp();
            await SendOneAsync(client, new Uri($"{prefix}{id}-{times.Count + 1}"), body, cancel);
            times.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
        }

        return times;
    }

    private static async Task SendOneAsync(HttpClient client, Uri url, byte[] body, CancellationToken cancel)
    {
        try
        {
            using var content = new ReadOnlyMemoryContent(body);
            using var response = await client.PutAsync(url, content, cancel);
            if (!response.IsSuccessStatusCode)
            {
                throw new BenchException($"PUT {url} answered {(int)response.StatusCode}.");
            }
        }
        catch (Exception exception) when (exception is HttpRequestException or TaskCanceledException && !cancel.IsCancellationRequested)
        {
            throw new BenchException($"PUT {url} failed: {exception.Message}");
        }
    }
}
