using System.Globalization;

namespace EdgeCache.Edge.Observability;

/// <summary>Label values out of requests, held to a fixed set: what a client or an upstream makes up must not become a series.</summary>
internal static class MetricLabels
{
    private const int FirstStatus = 100;
    private const int LastStatus = 599;

    // Made once, so that counting a request allocates no string.
    private static readonly string[] Statuses =
        [.. Enumerable.Range(FirstStatus, LastStatus - FirstStatus + 1).Select(s => s.ToString(CultureInfo.InvariantCulture))];

    /// <summary>The method, if it is one that this node answers; else <c>OTHER</c>. Methods are case-sensitive.</summary>
    public static string Method(string method) => method switch
    {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "PUT" => "PUT",
        "POST" => "POST",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        "PURGE" => "PURGE",
        _ => "OTHER",
    };

    /// <summary>The status as digits; <c>other</c> for what is no HTTP status.</summary>
    public static string Status(int status) =>
        status is >= FirstStatus and <= LastStatus ? Statuses[status - FirstStatus] : "other";
}
