using System.Net;
using EdgeCache.Edge.Configuration;
using EdgeCache.Edge.Delivery;

namespace EdgeCache.Edge.Access;

/// <summary>
/// Refuses requests that name a host which is not this node's. On loopback that stops DNS rebinding: a web page whose name is made to point at 127.0.0.1
/// would otherwise read and write the cache through its visitor's browser.
/// </summary>
internal sealed class HostFilterMiddleware(RequestDelegate next, LiveSettings settings)
{
    // What the last request that was let in named: clients hardly ever change it. Replaced as a whole.
    private volatile Admitted? _last;

    public Task InvokeAsync(HttpContext context)
    {
        var host = context.Request.Host;
        return !host.HasValue || IsAdmitted(host, context.Connection.LocalIpAddress)
            ? next(context)
            : Problem.WriteAsync(context, StatusCodes.Status421MisdirectedRequest, "This node is not known by the host name of the request. Names it may have besides are set with EdgeCache:Access:AllowedHosts.");
    }

    private bool IsAdmitted(HostString host, IPAddress? localAddress)
    {
        var options = settings.Current.Options;
        if (_last is { } last && ReferenceEquals(last.Options, options) && last.Host == host.Value && Equals(last.LocalAddress, localAddress))
            return true;
        if (!IsAllowed(options, localAddress, host.Host))
            return false;
        _last = new Admitted(options, host.Value, localAddress);
        return true;
    }

    internal static bool IsAllowed(EdgeCacheOptions options, IPAddress? localAddress, string host)
    {
        foreach (var allowed in options.Access.AllowedHosts)
        {
            if (Matches(allowed, host))
                return true;
        }
        var onLoopback = IsLoopback(options.Listen.Host) && (localAddress is null || IPAddress.IsLoopback(localAddress));
        return onLoopback ? IsLoopback(host) : options.Access.AllowedHosts.Count == 0;
    }

    private static bool Matches(string allowed, string host) =>
        allowed.StartsWith("*.", StringComparison.Ordinal)
            ? host.EndsWith(allowed[1..], StringComparison.OrdinalIgnoreCase) && host.Length > allowed.Length - 1
            : allowed.Equals(host, StringComparison.OrdinalIgnoreCase);

    private static bool IsLoopback(string host) =>
        host.Equals("localhost", StringComparison.OrdinalIgnoreCase) || (IPAddress.TryParse(host, out var address) && IPAddress.IsLoopback(address));

    private sealed record Admitted(EdgeCacheOptions Options, string? Host, IPAddress? LocalAddress);
}
