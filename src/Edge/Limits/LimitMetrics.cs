using System.Diagnostics.Metrics;
using EdgeCache.Edge.Observability;

namespace EdgeCache.Edge.Limits;

/// <summary>Counts what was refused because of limits, and tells how full the table of clients is.</summary>
internal sealed class LimitMetrics
{
    private readonly Counter<long> _refused;

    public LimitMetrics(IMeterFactory meterFactory, LimitState state, LimitClock clock)
    {
        var meter = meterFactory.Create(EdgeMetrics.MeterName);
        _refused = meter.CreateCounter<long>("edgecache_limited_total", "{request}", "Requests that were refused because of a limit, by limit and by what it counts.");
        _ = meter.CreateObservableGauge("edgecache_limit_clients", () => state.KnownClients?.Count(clock.Now) ?? 0, "{client}", "Addresses of which there is something to be kept in mind.");
        _ = meter.CreateObservableGauge("edgecache_limit_clients_max", () => state.KnownClients?.Capacity ?? 0, "{client}", "Addresses that can be kept in mind at a time; 0 while clients are not limited.");
        _ = meter.CreateObservableCounter("edgecache_limit_replaced_total", () => state.KnownClients?.Replaced ?? 0, "{client}", "Addresses that had used up part of their limit, and were forgotten because others needed the place.");
    }

    /// <summary>A request was refused. The names of limits are few, and come from the configuration.</summary>
    public void RecordRefused(Verdict verdict) =>
        _refused.Add(1, new KeyValuePair<string, object?>("limit", verdict.Limit!.Name), new KeyValuePair<string, object?>("unit", NameOf(verdict.Unit)));

    private static string NameOf(LimitUnit unit) => unit switch
    {
        LimitUnit.Requests => "requests",
        LimitUnit.Bytes => "bytes",
        LimitUnit.Concurrent => "concurrent",
        _ => "conduct",
    };
}
