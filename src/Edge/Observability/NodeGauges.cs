using System.Diagnostics.Metrics;

namespace EdgeCache.Edge.Observability;

/// <summary>The instruments that are read at a scrape and cost nothing in between.</summary>
internal sealed class NodeGauges
{
    public NodeGauges(IMeterFactory meterFactory, NodeState node)
    {
        var meter = meterFactory.Create(EdgeMetrics.MeterName);
        _ = meter.CreateObservableGauge("builder_cache_storage_bytes_used", () => node.Store.UsedBytes, "By", "Disk space that the store takes, in allocated bytes.");
        _ = meter.CreateObservableGauge("edgecache_storage_max_bytes", () => node.Store.MaxBytes, "By", "Disk space that the store may take.");
        _ = meter.CreateObservableGauge("edgecache_storage_blobs", () => node.Store.Blobs, "{blob}", "Blobs in the store.");
        _ = meter.CreateObservableGauge("edgecache_storage_healthy", () => node.Store.Fault is null ? 1 : 0, unit: null, "1 while the store reads and writes, 0 while it has a fault.");
        _ = meter.CreateObservableGauge("edgecache_uptime_seconds", () => node.Uptime.TotalSeconds, "s", "Time since the node started.");
        _ = meter.CreateObservableGauge(
            "edgecache_build_info",
            () => new Measurement<int>(1, new KeyValuePair<string, object?>("version", NodeState.Version)),
            unit: null,
            "Always 1; the version is in the label.");
    }
}
