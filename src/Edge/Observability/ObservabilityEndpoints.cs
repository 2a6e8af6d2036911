using System.Collections.Frozen;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using EdgeCache.Edge.Configuration;
using EdgeCache.Edge.Observability.Exposition;
using Microsoft.Net.Http.Headers;

namespace EdgeCache.Edge.Observability;

/// <summary>The answers of <c>/health</c>, <c>/health/live</c>, <c>/health/ready</c> and <c>/metrics</c>, the same on whichever listener they are asked for.</summary>
internal sealed class ObservabilityEndpoints(NodeState node, EdgeMetrics metrics, LiveSettings settings, IServiceProvider services)
{
    private readonly FrozenDictionary<string, RequestDelegate> _handlers = new Dictionary<string, RequestDelegate>(StringComparer.OrdinalIgnoreCase)
    {
        ["/health"] = context => HealthAsync(context, node, metrics),
        ["/health/live"] = context => AnswerAsync(context, StatusCodes.Status200OK, new ProbeAnswer("alive", Reason: null), HealthJson.Default.ProbeAnswer),
        ["/health/ready"] = context => ReadyAsync(context, node),
        ["/metrics"] = Metrics(settings.Current.Options.Metrics.Enabled, services),
    }.ToFrozenDictionary(StringComparer.OrdinalIgnoreCase);

    public IEnumerable<string> Paths => _handlers.Keys;

    /// <summary>Answers a request for one of <see cref="Paths"/>; 404 for any other path.</summary>
    public Task AnswerAsync(HttpContext context)
    {
        var path = context.Request.Path.Value.AsSpan().TrimEnd('/');
        if (!_handlers.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(path, out var handler))
        {
            context.Response.StatusCode = StatusCodes.Status404NotFound;
            return Task.CompletedTask;
        }

        // An answer about now is wrong a second later.
        context.Response.Headers.CacheControl = "no-store";
        if (HttpMethods.IsGet(context.Request.Method) || HttpMethods.IsHead(context.Request.Method))
            return handler(context);

        context.Response.Headers.Allow = "GET, HEAD";
        context.Response.StatusCode = StatusCodes.Status405MethodNotAllowed;
        return Task.CompletedTask;
    }

    /// <summary>Whoever reaches the node may ask how it is; what is behind it is told to the log.</summary>
    private const string FarFault = "The far store fails; the node's log says why.";

    private static Task HealthAsync(HttpContext context, NodeState node, EdgeMetrics metrics)
    {
        var store = node.Store;
        var status = node.Stopping ? "stopping" : store.Fault is null ? "healthy" : "degraded";
        var answer = new HealthAnswer(
            status,
            NodeState.Version,
            (long)node.Uptime.TotalSeconds,
            new StorageHealth(store.UsedBytes, store.MaxBytes, store.Blobs, store.Fault, store.Tier?.FarFault is null ? null : FarFault, store.Rebuilding),
            metrics.HitRate,
            metrics.Requests);
        return AnswerAsync(context, OkIf(status == "healthy"), answer, HealthJson.Default.HealthAnswer);
    }

    private static Task ReadyAsync(HttpContext context, NodeState node)
    {
        var store = node.Store;
        var reason = node.Stopping ? "The node is stopping." : store.Fault;
        var answer = reason is null ? new ProbeAnswer("ready", WordsOf(store.Rebuilding)) : new ProbeAnswer("not ready", reason);
        return AnswerAsync(context, OkIf(reason is null), answer, HealthJson.Default.ProbeAnswer);
    }

    /// <summary>It serves what it has found and takes what replaces anything: less than usual, and more than no node.</summary>
    private static string? WordsOf(double? rebuilding) => rebuilding is { } done
        ? string.Create(CultureInfo.InvariantCulture, $"The store is finding out which blobs it has ({Math.Floor(done * 100)} % done): until then some are missing, and deletions and conditional writes wait.")
        : null;

    private static int OkIf(bool good) => good ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable;

    private static async Task AnswerAsync<T>(HttpContext context, int status, T answer, JsonTypeInfo<T> type)
    {
        var json = JsonSerializer.SerializeToUtf8Bytes(answer, type);
        context.Response.StatusCode = status;
        context.Response.ContentType = "application/json";
        context.Response.ContentLength = json.Length;
        if (!HttpMethods.IsHead(context.Request.Method))
            await context.Response.BodyWriter.WriteAsync(json, context.RequestAborted);
    }

    /// <summary>Decided once at the start: without it nothing is aggregated, so a reload has nothing to switch on.</summary>
    private static RequestDelegate Metrics(bool enabled, IServiceProvider services)
    {
        if (enabled)
        {
            // Resolved at a scrape and not in the constructor, which a node with metrics switched off runs too.
            return context => MetricsAsync(context, services.GetRequiredService<MetricsScraper>());
        }

        return static context =>
        {
            context.Response.StatusCode = StatusCodes.Status404NotFound;
            return Task.CompletedTask;
        };
    }

    private static async Task MetricsAsync(HttpContext context, MetricsScraper scraper)
    {
        var response = context.Response;
        var format = ExpositionNegotiation.Choose(context.Request.Headers.Accept);
        response.ContentType = format.ContentType();
        response.Headers.Vary = HeaderNames.Accept;
        if (HttpMethods.IsHead(context.Request.Method))
            return;

        if (await scraper.ScrapeAsync(response.BodyWriter, format, context.RequestAborted))
        {
            await response.BodyWriter.FlushAsync(context.RequestAborted);
            return;
        }

        response.Headers.Remove(HeaderNames.ContentType);
        response.StatusCode = StatusCodes.Status503ServiceUnavailable;
    }
}
