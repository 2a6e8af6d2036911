using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net;

namespace EdgeCache.Edge.Configuration;

/// <summary>A host to listen on: an IP address, all of them, or both loopback addresses by the name <c>localhost</c>.</summary>
internal sealed record ListenAddress
{
    private ListenAddress(IPAddress? address) => Address = address;

    /// <summary>The address; null for <c>localhost</c>, which is 127.0.0.1 and ::1.</summary>
    public IPAddress? Address { get; }

    public bool IsLocalhost => Address is null;

    public bool IsLoopback => Address is null || IPAddress.IsLoopback(Address);

    /// <summary>Reads a host. An IPv6 address may stand in brackets.</summary>
    public static bool TryParse(string? text, [NotNullWhen(true)] out ListenAddress? result)
    {
        result = text switch
        {
            "*" => new ListenAddress(IPAddress.IPv6Any),
            not null when text.Equals("localhost", StringComparison.OrdinalIgnoreCase) => new ListenAddress((IPAddress?)null),
            _ => null,
        };
        if (result is not null)
            return true;
        var bare = text is ['[', .. var inner, ']'] ? inner : text;

        // The parser also takes "[::1]:80" and short forms such as "127.1" or "8080" (0.0.31.144); nobody means those.
        if (bare is null || bare.Contains('[') || !IPAddress.TryParse(bare, out var address))
            return false;
        if (address.AddressFamily == System.Net.Sockets.AddressFamily.InterNetwork && address.ToString() != bare)
            return false;
        result = new ListenAddress(address);
        return true;
    }

    /// <summary>Reads <c>address:port</c>, with a port that clients can know beforehand: not 0.</summary>
    public static bool TryParseEndPoint(string? text, [NotNullWhen(true)] out ListenAddress? address, out int port)
    {
        address = null;
        port = 0;
        var colon = text?.LastIndexOf(':') ?? -1;
        if (colon < 0)
            return false;
        var host = text![..colon];

        // Without brackets it is not clear where an IPv6 address ends and the port begins.
        if (host.Contains(':') && !host.StartsWith('['))
            return false;
        return int.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out port) && port is > 0 and <= ushort.MaxValue && TryParse(host, out address);
    }
}
