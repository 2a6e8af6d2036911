using System.Net;

namespace EdgeCache.Bench.Peers.Servers;

/// <summary>The few requests outside the measured runs: readiness, filling, and checking that the bytes are right.</summary>
internal static class Http
{
    private static readonly HttpClient Client = new(new SocketsHttpHandler { UseProxy = false }) { Timeout = TimeSpan.FromMinutes(2) };

    public static async Task<bool> AnswersAsync(Uri url, CancellationToken cancel)
    {
        try
        {
            using var response = await Client.GetAsync(url, cancel);
            return response.IsSuccessStatusCode;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }

    public static async Task PutFileAsync(Uri url, string file, CancellationToken cancel)
    {
        await using var stream = File.OpenRead(file);
        using var content = new StreamContent(stream);
        using var response = await SendAsync(() => Client.PutAsync(url, content, cancel));
        if (response.StatusCode is not (HttpStatusCode.Created or HttpStatusCode.OK))
        {
            throw new BenchException($"PUT {url} answered {(int)response.StatusCode}.");
        }
    }

    /// <summary>A fast wrong answer is worth nothing: every contender shows the right bytes before or after it is measured.</summary>
    public static async Task CheckAsync(Uri url, ReadOnlyMemory<byte> expected, CancellationToken cancel, string? cacheStatus = null)
    {
        using var response = await SendAsync(() => Client.GetAsync(url, cancel));
        if (response.StatusCode != HttpStatusCode.OK)
        {
            throw new BenchException($"GET {url} answered {(int)response.StatusCode}.");
        }

        var body = await response.Content.ReadAsByteArrayAsync(cancel);
        if (!body.AsSpan().SequenceEqual(expected.Span))
        {
            throw new BenchException($"GET {url} gave other bytes than were stored ({body.Length} of {expected.Length}).");
        }

        if (cacheStatus is not null && !(response.Headers.TryGetValues("X-Cache-Status", out var values) && values.Contains(cacheStatus, StringComparer.Ordinal)))
        {
            throw new BenchException($"GET {url} was not a cache {cacheStatus}.");
        }
    }

    /// <summary>The body as it is sent to whoever accepts zstd.</summary>
    public static async Task<byte[]> GetZstdAsync(Uri url, CancellationToken cancel)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, url) { Headers = { { "Accept-Encoding", "zstd" } } };
        using var response = await SendAsync(() => Client.SendAsync(request, cancel));
        return response.Content.Headers.ContentEncoding.Contains("zstd") && response.Content.Headers.ContentLength is not null
            ? await response.Content.ReadAsByteArrayAsync(cancel)
            : throw new BenchException($"GET {url} did not give the payload as it is stored.");
    }

    private static async Task<HttpResponseMessage> SendAsync(Func<Task<HttpResponseMessage>> send)
    {
        try
        {
            return await send();
        }
        catch (HttpRequestException exception)
        {
            throw new BenchException($"A request failed: {exception.Message}");
        }
    }
}
