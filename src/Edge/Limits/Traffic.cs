using EdgeCache.Edge.Access;

namespace EdgeCache.Edge.Limits;

/// <summary>Charges the content of one request where bytes are limited.</summary>
internal sealed class Traffic(RequestLimiter limiter, Principal principal, ClientAddress address, string @namespace)
{
    /// <summary>So many bytes have been sent or received.</summary>
    public void Add(long bytes) => limiter.ChargeBytes(principal, address, @namespace, bytes);
}
