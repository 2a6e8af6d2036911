using System.Net;
using System.Net.Http.Headers;
using EdgeCache.Edge.Configuration;
using EdgeCache.Storage;

namespace EdgeCache.Edge.Purging;

/// <summary>A call to a provider's API.</summary>
/// <param name="Url">Where to.</param>
/// <param name="Body">What is sent.</param>
/// <param name="Type">Its media type.</param>
/// <param name="Authorize">Adds what authorizes it; the last thing that is done to it.</param>
internal sealed record OutwardCall(Uri Url, byte[] Body, string Type, Action<HttpRequestMessage, DateTimeOffset> Authorize);

/// <summary>
/// Tells the providers of a purge, in calls of a size that they take. A call whose failure may pass is repeated; what it comes to is in the report. Nothing of this is written down:
/// what a provider could not be told before a restart, it is not told.
/// </summary>
internal sealed partial class OutwardPurger(LiveSettings settings, TimeProvider time, ILogger<OutwardPurger> logger) : IDisposable
{
    private const int MaxAttempts = 4;

    /// <summary>Longest text of an answer that is shown, in characters.</summary>
    private const int MaxDetail = 300;

    private static readonly TimeSpan FirstDelay = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan LongestDelay = TimeSpan.FromSeconds(15);

    private readonly HttpClient _client = new(new SocketsHttpHandler
    {
        AllowAutoRedirect = false,
        PooledConnectionLifetime = TimeSpan.FromMinutes(5),
        UseCookies = false,
        ConnectCallback = OutboundConnection.ConnectAsync,
    })
    {
        Timeout = Timeout.InfiniteTimeSpan,
        MaxResponseContentBufferSize = 256 * 1024,
    };

    public void Dispose() => _client.Dispose();

    /// <summary>Tells every provider that serves the namespace.</summary>
    /// <param name="plan">The purge.</param>
    /// <param name="purged">The keys that were purged; null where they are too many.</param>
    /// <param name="id">The purge's name.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public async Task<IReadOnlyList<OutwardReport>> TellAsync(PurgePlan plan, IReadOnlyList<BlobKey>? purged, string id, CancellationToken cancellationToken)
    {
        var reports = new List<OutwardReport>();
        foreach (var provider in settings.Current.Providers.Where(p => p.Namespaces.Count == 0 || p.Namespaces.Contains(plan.Namespace, StringComparer.Ordinal)))
        {
            var targets = OutwardTargets.Of(plan, purged, knowsTags: !provider.IsCloudFront);
            if (!targets.IsNothing)
                reports.Add(await TellAsync(provider, targets, id, cancellationToken));
        }
        return reports;
    }

    private async Task<OutwardReport> TellAsync(OutwardProvider provider, OutwardTargets targets, string id, CancellationToken cancellationToken)
    {
        var calls = 0;
        string? detail = null;
        foreach (var call in provider.IsCloudFront ? CloudFrontCalls.Of(provider, targets, id) : CloudflareCalls.Of(provider, targets))
        {
            calls++;
            (var ok, detail) = await SendAsync(provider, call, cancellationToken);
            if (ok)
                continue;
            LogFailed(provider.Name, targets.ToString(), detail);
            return new OutwardReport(provider.Name, Ok: false, calls, targets.ToString(), detail);
        }
        return new OutwardReport(provider.Name, Ok: true, calls, targets.ToString(), detail);
    }

    private async Task<(bool Ok, string? Detail)> SendAsync(OutwardProvider provider, OutwardCall call, CancellationToken cancellationToken)
    {
        var delay = FirstDelay;
        for (var attempt = 1; ; attempt++)
        {
            var (status, detail, after) = await SendOnceAsync(provider, call, cancellationToken);
            if (status is >= 200 and < 300)
                return (true, null);
            var isForNow = status is 0 or 408 or 429 or >= 500 || detail.Contains("TooManyInvalidationsInProgress", StringComparison.Ordinal) || detail.Contains("Throttling", StringComparison.Ordinal);
            if (!isForNow || attempt == MaxAttempts)
                return (false, $"{(status == 0 ? "No answer" : $"Status {status}")} after {attempt} tries: {detail}");
            var wait = after ?? delay;
            await Task.Delay(wait < LongestDelay ? wait : LongestDelay, time, cancellationToken);
            delay *= 2;
        }
    }

    /// <summary>One try. The status is 0 where there is no answer.</summary>
    private async Task<(int Status, string Detail, TimeSpan? After)> SendOnceAsync(OutwardProvider provider, OutwardCall call, CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(provider.Timeout, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        using var request = new HttpRequestMessage(HttpMethod.Post, call.Url) { Version = HttpVersion.Version11, Content = new ByteArrayContent(call.Body) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue(call.Type);
        call.Authorize(request, time.GetUtcNow());
        try
        {
            using var answer = await _client.SendAsync(request, both.Token);
            var text = await answer.Content.ReadAsStringAsync(both.Token);
            var detail = string.Concat(text.Take(MaxDetail).Select(c => char.IsControl(c) ? ' ' : c));
            var after = answer.Headers.RetryAfter?.Delta ?? answer.Headers.RetryAfter?.Date - time.GetUtcNow();
            return ((int)answer.StatusCode, detail, after > TimeSpan.Zero ? after : null);
        }
        catch (HttpRequestException error)
        {
            return (0, error.Message, null);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return (0, $"It took longer than {provider.Timeout.TotalSeconds:0} s.", null);
        }
    }

    [LoggerMessage(LogLevel.Error, "{Provider} could not be told to remove {What}: {Detail}")]
    private partial void LogFailed(string provider, string what, string? detail);
}
