using System.Diagnostics.Metrics;
using EdgeCache.Storage;
using EdgeCache.Storage.Tiering;

namespace EdgeCache.Edge.Observability;

/// <summary>What the tiers count, read at a scrape. Without a far store there are none of these series.</summary>
internal sealed class TierMetrics
{
    private readonly IBlobStore _store;

    public TierMetrics(IMeterFactory meterFactory, IBlobStore store)
    {
        _store = store;
        if (store.State.Tier is null)
            return;
        var meter = meterFactory.Create(EdgeMetrics.MeterName);
        _ = meter.CreateObservableGauge("edgecache_far_healthy", () => Tier.FarFault is null ? 1 : 0, unit: null, "1 while the far store answers, 0 while it has a fault.");
        _ = meter.CreateObservableGauge("edgecache_far_open_fills", () => Tier.OpenFills, "{fill}", "Blobs that are being fetched from the far store.");
        _ = meter.CreateObservableCounter("edgecache_far_fills_total", () => Tier.Fills, "{fill}", "Fetches from the far store that were begun.");
        _ = meter.CreateObservableCounter("edgecache_far_fills_ended_total", () => Ended(Tier), "{fill}", "Fetches that ended after the blob was found, by what came of them.");
        _ = meter.CreateObservableCounter("edgecache_far_collapsed_reads_total", () => Tier.CollapsedReads, "{read}", "Reads that were served by a fetch that somebody else had begun.");
        _ = meter.CreateObservableCounter("edgecache_far_direct_reads_total", () => Tier.DirectReads, "{read}", "Reads, or the rest of reads, that went past the local store.");
        _ = meter.CreateObservableCounter("edgecache_far_direct_writes_total", () => Tier.DirectWrites, "{write}", "Writes that went past the local store.");
        _ = meter.CreateObservableCounter("edgecache_far_revalidations_total", () => Tier.Revalidations, "{read}", "Reads of local copies that the far store confirmed.");
        _ = meter.CreateObservableCounter("edgecache_far_stale_reads_total", () => Tier.StaleReads, "{read}", "Reads of local copies about which the far store could not be asked.");
    }

    private TierState Tier => _store.State.Tier!;

    private static Measurement<long>[] Ended(TierState tier) =>
    [
        Of(tier.StoredFills, "stored"),
        Of(tier.MismatchedFills, "mismatched"),
        Of(tier.SupersededFills, "superseded"),
        Of(tier.AbandonedFills, "abandoned"),
        Of(tier.FailedFills, "failed"),
    ];

    private static Measurement<long> Of(long value, string result) => new(value, new KeyValuePair<string, object?>("result", result));
}
