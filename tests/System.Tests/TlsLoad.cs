using System.Collections.Concurrent;
using System.Net;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using EdgeCache.TestKit;

namespace EdgeCache.System.Tests;

/// <summary>
/// Requests over TLS without a pause, until it is stopped: half of the workers over connections that stay, half with a handshake for each request, by
/// turns over HTTP/1.1 and HTTP/2. Remembers every request that failed.
/// </summary>
internal sealed class TlsLoad : IAsyncDisposable
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(30);

    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentBag<string> _failures = [];
    private readonly Task[] _workers;
    private int _requests;

    public TlsLoad(NodeProcess node, X509Certificate2Collection trusted, int workers) =>
        _workers = [.. Enumerable.Range(0, workers).Select(worker => Task.Run(() => WorkAsync(node, trusted, keep: worker % 2 == 0, worker % 3 == 0 ? HttpVersion.Version20 : HttpVersion.Version11)))];

    /// <summary>Waits until so many more have been answered.</summary>
    public Task MoreRequestsAsync(int count)
    {
        var goal = Volatile.Read(ref _requests) + count;
        return Eventually.TrueAsync(() => Volatile.Read(ref _requests) >= goal || !_failures.IsEmpty, Soon, $"{count} more requests");
    }

    /// <summary>Ends the load.</summary>
    /// <returns>What failed.</returns>
    public async Task<IReadOnlyCollection<string>> StopAsync()
    {
        await _stop.CancelAsync();
        await Task.WhenAll(_workers).WaitAsync(Soon);
        return _failures;
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        _stop.Dispose();
    }

    private async Task WorkAsync(NodeProcess node, X509Certificate2Collection trusted, bool keep, Version version)
    {
        HttpClient? client = null;
        while (!_stop.IsCancellationRequested)
        {
            client ??= NewClient(node, trusted, version);
            try
            {
                using var answer = await client.GetAsync("/health");
                if (answer.StatusCode != HttpStatusCode.OK || answer.Version != version)
                    _failures.Add($"{answer.Version} {answer.StatusCode}");
                Interlocked.Increment(ref _requests);
            }
            catch (HttpRequestException error)
            {
                _failures.Add(error.ToString());
            }
            if (keep)
                continue;
            client.Dispose();
            client = null;
        }
        client?.Dispose();
    }

    private static HttpClient NewClient(NodeProcess node, X509Certificate2Collection trusted, Version version)
    {
        var handler = new SocketsHttpHandler
        {
            SslOptions = new SslClientAuthenticationOptions
            {
                RemoteCertificateValidationCallback = (_, certificate, _, _) => certificate is X509Certificate2 served && trusted.Any(t => t.Thumbprint == served.Thumbprint),
            },
        };
        var client = node.NewClient(handler: handler);
        client.DefaultRequestVersion = version;
        client.DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact;
        return client;
    }
}
