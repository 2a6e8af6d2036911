using System.Diagnostics.Metrics;

namespace EdgeCache.Edge.Observability;

/// <summary>
/// The node's instruments. Recording is cheap and never throws. A namespace given here becomes a label, so callers pass configured namespaces alone:
/// a name out of a URL that nobody configured must never come here.
/// </summary>
internal sealed class EdgeMetrics
{
    /// <summary>The meter of everything that this node measures itself.</summary>
    public const string MeterName = "EdgeCache";

    // Half a millisecond is a small hit from memory; half a minute is a large blob on a slow line.
    private static readonly double[] DurationBounds =
        [0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000];

    private readonly Counter<long> _requests;
    private readonly Counter<long> _hits;
    private readonly Counter<long> _misses;
    private readonly Counter<long> _sent;
    private readonly Counter<long> _sentFromFiles;
    private readonly Counter<long> _received;
    private readonly Histogram<double> _duration;

    // Counted apart from the instruments: /health tells them also where nobody listens to the meter.
    private long _requestCount;
    private long _hitCount;
    private long _missCount;

    public EdgeMetrics(IMeterFactory meterFactory)
    {
        var meter = meterFactory.Create(MeterName);
        _requests = meter.CreateCounter<long>("builder_cache_requests_total", "{request}", "Requests, by method and by status of the response.");
        _hits = meter.CreateCounter<long>("builder_cache_hits_total", "{lookup}", "Lookups by GET or HEAD that found the artifact here.");
        _misses = meter.CreateCounter<long>("builder_cache_misses_total", "{lookup}", "Lookups by GET or HEAD that did not find the artifact here.");
        _sent = meter.CreateCounter<long>("edgecache_sent_bytes_total", "By", "Bytes of blobs sent to clients, as they were sent.");
        _sentFromFiles = meter.CreateCounter<long>("edgecache_sent_from_files_bytes_total", "By", "Content bytes that the system sent to clients straight from files.");
        _received = meter.CreateCounter<long>("edgecache_received_bytes_total", "By", "Content bytes received from clients and stored.");
        _duration = meter.CreateHistogram(
            "builder_cache_request_duration_milliseconds",
            "ms",
            "Time from the request's header having been read to the node being done with the response.",
            tags: null,
            new InstrumentAdvice<double> { HistogramBucketBoundaries = DurationBounds });
        _ = meter.CreateObservableGauge("builder_cache_hit_rate", () => HitRate, unit: null, "Part of the lookups since the start that were hits, 0 to 1; 0 before the first lookup.");
    }

    /// <summary>Requests answered or aborted since the start.</summary>
    public long Requests => Volatile.Read(ref _requestCount);

    /// <summary>Part of the lookups since the start that were hits, 0 to 1; 0 before the first.</summary>
    public double HitRate
    {
        get
        {
            var hits = Volatile.Read(ref _hitCount);
            var lookups = hits + Volatile.Read(ref _missCount);
            return lookups == 0 ? 0 : (double)hits / lookups;
        }
    }

    /// <summary>A lookup by GET or HEAD in a namespace ended as a hit or as a miss.</summary>
    public void RecordLookup(string @namespace, bool hit)
    {
        Interlocked.Increment(ref hit ? ref _hitCount : ref _missCount);
        var counter = hit ? _hits : _misses;
        if (counter.Enabled)
            counter.Add(1, Label("namespace", @namespace));
    }

    /// <summary>Bytes of blobs sent to clients, as they were sent.</summary>
    /// <param name="namespace">Of the blob.</param>
    /// <param name="bytes">All of them.</param>
    /// <param name="fromFiles">Those that never were in memory of the node.</param>
    public void RecordSent(string @namespace, long bytes, long fromFiles)
    {
        if (_sent.Enabled && bytes > 0)
            _sent.Add(bytes, Label("namespace", @namespace));
        if (_sentFromFiles.Enabled && fromFiles > 0)
            _sentFromFiles.Add(fromFiles, Label("namespace", @namespace));
    }

    /// <summary>Content bytes received and stored.</summary>
    public void RecordReceived(string @namespace, long bytes)
    {
        if (_received.Enabled && bytes > 0)
            _received.Add(bytes, Label("namespace", @namespace));
    }

    /// <summary>A request ended: with a response, or because the client went away.</summary>
    public void RecordRequest(string method, int status, TimeSpan duration)
    {
        Interlocked.Increment(ref _requestCount);
        if (_requests.Enabled)
            _requests.Add(1, Label("method", MetricLabels.Method(method)), Label("status", MetricLabels.Status(status)));
        if (_duration.Enabled)
            _duration.Record(duration.TotalMilliseconds, Label("method", MetricLabels.Method(method)));
    }

    /// <summary>
    /// Makes the series of these namespaces exist with the value 0. A rate over a series that begins with its first event misses that event.
    /// </summary>
    public void Announce(IEnumerable<string> namespaces)
    {
        foreach (var name in namespaces)
        {
            var label = Label("namespace", name);
            _hits.Add(0, label);
            _misses.Add(0, label);
            _sent.Add(0, label);
            _sentFromFiles.Add(0, label);
            _received.Add(0, label);
        }

        _requests.Add(0, Label("method", "GET"), Label("status", MetricLabels.Status(200)));
    }

    private static KeyValuePair<string, object?> Label(string name, string value) => new(name, value);
}
