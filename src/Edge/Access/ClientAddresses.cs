using System.Net;
using EdgeCache.Edge.Configuration;

namespace EdgeCache.Edge.Access;

/// <summary>
/// Finds out where a request comes from. What a field says is believed from the right, for as long as trusted proxies said it: the first address that no trusted proxy has is the
/// client's, and whatever stands to the left of it the client may have written itself.
/// </summary>
internal sealed class ClientAddresses(LiveSettings settings)
{
    /// <summary>Most addresses of a field that are looked at: more proxies than that stand before nobody.</summary>
    private const int MaxHops = 16;

    // Derived from the settings; replaced as a whole when those are.
    private volatile Trust? _trust;

    public ClientAddress Of(HttpContext context) => ClientAddress.Of(Find(context));

    /// <summary>The whole address; null where the connection has none.</summary>
    public IPAddress? Find(HttpContext context)
    {
        var trust = _trust;
        if (trust is null || !ReferenceEquals(trust.Settings, settings.Current))
            _trust = trust = new Trust(settings.Current);
        var peer = context.Connection.RemoteIpAddress;
        return trust.Networks.Length == 0 || peer is null || !trust.Includes(peer) ? peer : Behind(context.Request, peer, trust);
    }

    private static IPAddress Behind(HttpRequest request, IPAddress proxy, Trust trust)
    {
        var believed = proxy;
        var hops = 0;
        var lines = request.Headers[trust.Field];
        for (var line = lines.Count - 1; line >= 0; line--)
        {
            var rest = lines[line].AsSpan();
            while (!rest.IsEmpty)
            {
                var comma = rest.LastIndexOf(',');
                var entry = rest[(comma + 1)..].Trim();
                rest = comma < 0 ? [] : rest[..comma];

                // What can't be read was written by the last one who is believed, and hides who came to it.
                if (++hops > MaxHops || TryRead(entry, trust.IsForwarded) is not { } address)
                    return believed;
                believed = address;
                if (!trust.Includes(address))
                    return believed;
            }
        }
        return believed;
    }

    private static IPAddress? TryRead(ReadOnlySpan<char> entry, bool isForwarded)
    {
        if (isForwarded)
            entry = NodeOf(entry);

        // With a port: 192.0.2.1:1234 or [2001:db8::1]:1234.
        if (entry.StartsWith("["))
            entry = entry.IndexOf(']') is > 0 and var end ? entry[1..end] : [];
        else if (entry.Count(':') == 1)
            entry = entry[..entry.IndexOf(':')];
        return IPAddress.TryParse(entry, out var address) ? address : null;
    }

    /// <summary>The value of <c>for</c> in an element of Forwarded (RFC 7239, section 4), without quotes.</summary>
    private static ReadOnlySpan<char> NodeOf(ReadOnlySpan<char> element)
    {
        foreach (var range in element.Split(';'))
        {
            var pair = element[range].Trim();
            if (pair.StartsWith("for=", StringComparison.OrdinalIgnoreCase))
                return pair[4..].Trim().Trim('"');
        }
        return [];
    }

    private sealed class Trust(EdgeSettings settings)
    {
        public EdgeSettings Settings { get; } = settings;

        public IPNetwork[] Networks { get; } = [.. settings.Options.Access.TrustedProxies.Select(n => NetworkText.TryParse(n)!.Value)];

        public string Field { get; } = settings.Options.Access.ForwardedField;

        public bool IsForwarded { get; } = settings.Options.Access.ForwardedField.Equals("Forwarded", StringComparison.OrdinalIgnoreCase);

        public bool Includes(IPAddress address) => NetworkText.IsIn(Networks, address);
    }
}
