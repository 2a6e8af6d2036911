using System.Diagnostics.Metrics;
using EdgeCache.Codecs.Choosing;
using EdgeCache.Storage;

namespace EdgeCache.Edge.Observability;

/// <summary>What is compressed of what is written, read at a scrape.</summary>
internal sealed class CompressionMetrics
{
    public CompressionMetrics(IMeterFactory meterFactory, IBlobStore store)
    {
        var meter = meterFactory.Create(EdgeMetrics.MeterName);
        _ = meter.CreateObservableCounter(
            "edgecache_compression_blobs_total", () => store.State.Compression.Select(t => Of(t, t.Blobs)), "{blob}", "Blobs that were written, by how they are stored and why.");
        _ = meter.CreateObservableCounter(
            "edgecache_compression_content_bytes_total", () => store.State.Compression.Select(t => Of(t, t.ContentBytes)), "By", "Content of the blobs that were written, by how they are stored and why.");
        _ = meter.CreateObservableCounter(
            "edgecache_compression_payload_bytes_total", () => store.State.Compression.Select(t => Of(t, t.PayloadBytes)), "By", "What the content of the blobs that were written takes as it is stored, by how and why.");
        _ = meter.CreateObservableGauge(
            "edgecache_compression_deferred_blobs", () => store.State.DeferredBlobs, "{blob}", "Blobs that are stored as they are until they are compressed, when the processors have time.");
    }

    private static Measurement<long> Of(CompressionTotal total, long value) => new(
        value, new KeyValuePair<string, object?>("method", NameOf(total.Method)), new KeyValuePair<string, object?>("reason", NameOf(total.Reason)));

    private static string NameOf(CompressionMethod method) => method == CompressionMethod.Zstd ? "zstd" : "identity";

    private static string NameOf(CompressionReason reason) => reason switch
    {
        CompressionReason.Compressible => "compressible",
        CompressionReason.Trial => "trial",
        CompressionReason.TrialFailed => "trial_failed",
        CompressionReason.TooSmall => "too_small",
        CompressionReason.Magic => "magic",
        CompressionReason.Entropy => "entropy",
        CompressionReason.History => "history",
        CompressionReason.Pressure => "pressure",
        CompressionReason.Deferred => "deferred",
        CompressionReason.Busy => "busy",
        CompressionReason.Unavailable => "unavailable",
        CompressionReason.AsReceived => "as_received",
        _ => "off",
    };
}
