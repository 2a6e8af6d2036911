using System.Diagnostics.Metrics;
using EdgeCache.Edge.Configuration;
using EdgeCache.Storage;

namespace EdgeCache.Edge.Observability;

/// <summary>The instruments that are read at a scrape and cost nothing in between.</summary>
internal sealed class NodeGauges
{
    private readonly NodeState _node;
    private readonly LiveSettings _live;

    public NodeGauges(IMeterFactory meterFactory, NodeState node, LiveSettings live)
    {
        _node = node;
        _live = live;
        var meter = meterFactory.Create(EdgeMetrics.MeterName);
        _ = meter.CreateObservableGauge("builder_cache_storage_bytes_used", () => node.Store.UsedBytes, "By", "Disk space that the store takes, in allocated bytes.");
        _ = meter.CreateObservableGauge("edgecache_storage_max_bytes", () => node.Store.MaxBytes, "By", "Disk space that the store may take.");
        _ = meter.CreateObservableGauge("edgecache_storage_blobs", () => node.Store.Blobs, "{blob}", "Blobs in the store.");
        _ = meter.CreateObservableGauge("edgecache_storage_healthy", () => node.Store.Fault is null ? 1 : 0, unit: null, "1 while the store reads and writes, 0 while it has a fault.");
        _ = meter.CreateObservableGauge(
            "edgecache_storage_index_ratio",
            () => node.Store.Rebuilding ?? 1,
            unit: null,
            "1 while the store knows which blobs it has; less while it reads its log to find out, and some are missing.");
        _ = meter.CreateObservableGauge("edgecache_uptime_seconds", () => node.Uptime.TotalSeconds, "s", "Time since the node started.");
        _ = meter.CreateObservableGauge(
            "edgecache_build_info",
            () => new Measurement<int>(1, new KeyValuePair<string, object?>("version", NodeState.Version)),
            unit: null,
            "Always 1; the version is in the label.");
        _ = meter.CreateObservableGauge("edgecache_namespace_bytes", () => Usage().Select(n => Of(n, n.Bytes)), "By", "Disk space of a namespace's blobs, in allocated bytes.");
        _ = meter.CreateObservableCounter("edgecache_evictions_total", () => Usage().SelectMany(Evictions), "{blob}", "Blobs that were evicted, by namespace and reason.");
    }

    /// <summary>Namespaces that are configured or have blobs: a client can't make one up.</summary>
    private IEnumerable<NamespaceUsage> Usage()
    {
        var known = _node.Store.Namespaces;
        return known.Concat(_live.Current.Namespaces.Keys.Except(known.Select(n => n.Name), StringComparer.Ordinal).Select(n => new NamespaceUsage(n, 0, 0, 0, 0)));
    }

    private static Measurement<long>[] Evictions(NamespaceUsage usage) =>
    [
        Of(usage, usage.EvictedForCapacity, "capacity"),
        Of(usage, usage.EvictedForQuota, "quota"),
        Of(usage, usage.EvictedForAge, "age"),
    ];

    private static Measurement<long> Of(NamespaceUsage usage, long value, string? reason = null)
    {
        var label = new KeyValuePair<string, object?>("namespace", usage.Name);
        return reason is null ? new(value, label) : new(value, label, new KeyValuePair<string, object?>("reason", reason));
    }
}
