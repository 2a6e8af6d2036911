using System.Diagnostics.Metrics;
using EdgeCache.Storage;

namespace EdgeCache.Edge.Observability;

/// <summary>What the store counts by itself, read at a scrape.</summary>
internal sealed class StoreMetrics
{
    public StoreMetrics(IMeterFactory meterFactory, IBlobStore store)
    {
        var meter = meterFactory.Create(EdgeMetrics.MeterName);
        _ = meter.CreateObservableCounter("edgecache_storage_damaged_total", () => store.State.DamagedBlobs, "{blob}", "Blobs that were found damaged on disk, and dropped.");
        _ = meter.CreateObservableGauge("edgecache_memory_tier_max_bytes", () => store.State.MemoryTier.MaxBytes, "By", "Memory that the memory tier may take; 0 when it is off.");
        _ = meter.CreateObservableGauge("edgecache_memory_tier_used_bytes", () => store.State.MemoryTier.UsedBytes, "By", "Memory that the memory tier takes, with all that is around the content.");
        _ = meter.CreateObservableGauge("edgecache_memory_tier_blobs", () => store.State.MemoryTier.Blobs, "{blob}", "Blobs in the memory tier.");
        _ = meter.CreateObservableCounter("edgecache_memory_tier_hits_total", () => store.State.MemoryTier.Hits, "{read}", "Reads that were served from the memory tier.");
        _ = meter.CreateObservableCounter("edgecache_memory_tier_hit_bytes_total", () => store.State.MemoryTier.HitBytes, "By", "Content bytes of the blobs that were served from the memory tier.");
        _ = meter.CreateObservableCounter("edgecache_memory_tier_admissions_total", () => store.State.MemoryTier.Admissions, "{blob}", "Blobs that were taken into the memory tier.");
        _ = meter.CreateObservableCounter("edgecache_memory_tier_evictions_total", () => store.State.MemoryTier.Evictions, "{blob}", "Blobs that left the memory tier because others needed the room.");
    }
}
