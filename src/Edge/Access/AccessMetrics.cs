using System.Diagnostics.Metrics;
using EdgeCache.Edge.Observability;

namespace EdgeCache.Edge.Access;

/// <summary>Why a request was denied.</summary>
internal enum Denial
{
    /// <summary>There were no credentials.</summary>
    Missing,

    /// <summary>They were wrong, or had expired.</summary>
    Refused,

    /// <summary>They were good, and not for this.</summary>
    Forbidden,

    /// <summary>The signature of the address was not good for it, or missing where one is needed.</summary>
    Signature,
}

/// <summary>Counts who was not let in.</summary>
internal sealed class AccessMetrics
{
    private readonly Counter<long> _denied;

    public AccessMetrics(IMeterFactory meterFactory)
    {
        _denied = meterFactory.Create(EdgeMetrics.MeterName).CreateCounter<long>("edgecache_access_denied_total", "{request}", "Requests that were denied, by reason.");

        // A rate over a series that begins with its first event misses that event.
        foreach (var reason in Enum.GetValues<Denial>())
            Record(reason, 0);
    }

    public void RecordDenied(Denial reason) => Record(reason, 1);

    private void Record(Denial reason, int count) => _denied.Add(count, new KeyValuePair<string, object?>("reason", NameOf(reason)));

    private static string NameOf(Denial reason) => reason switch
    {
        Denial.Missing => "missing",
        Denial.Refused => "refused",
        Denial.Signature => "signature",
        _ => "forbidden",
    };
}
