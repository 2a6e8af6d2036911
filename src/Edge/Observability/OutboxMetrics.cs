using System.Diagnostics.Metrics;
using EdgeCache.Storage.Tiering;

namespace EdgeCache.Edge.Observability;

/// <summary>How much waits to be sent to the far store, and for how long; read at a scrape. Only a node that writes back has it.</summary>
internal sealed class OutboxMetrics
{
    public OutboxMetrics(IMeterFactory meterFactory, IOutbox outbox, TimeProvider time)
    {
        var meter = meterFactory.Create(EdgeMetrics.MeterName);
        _ = meter.CreateObservableGauge(
            "edgecache_outbox_entries",
            () => ByState(outbox.State, static s => s.Waiting, static s => s.Parked),
            "{blob}",
            "Blobs that are acknowledged and not in the far store yet, by state.");
        _ = meter.CreateObservableGauge(
            "edgecache_outbox_bytes",
            () => ByState(outbox.State, static s => s.WaitingBytes, static s => s.ParkedBytes),
            "By",
            "Content bytes of the blobs that are acknowledged and not in the far store yet, by state.");
        _ = meter.CreateObservableGauge(
            "edgecache_outbox_oldest_age_seconds",
            () => outbox.State.Oldest is { } oldest ? Math.Max(0, (time.GetUtcNow() - oldest).TotalSeconds) : 0,
            "s",
            "How long the oldest blob has waited to be sent to the far store; 0 when none waits.");
    }

    private static Measurement<long>[] ByState(OutboxState state, Func<OutboxState, long> waiting, Func<OutboxState, long> parked) => [Of(waiting(state), "waiting"), Of(parked(state), "parked")];

    private static Measurement<long> Of(long value, string state) => new(value, new KeyValuePair<string, object?>("state", state));
}
