using System.Globalization;
using EdgeCache.Edge.Configuration;

namespace EdgeCache.Edge.Observability;

/// <summary>
/// Tells whether a request came in on the management listener. The port of the connection decides: a Host header is only what the client says.
/// </summary>
internal sealed class ManagementListener
{
    private readonly int _port;

    public ManagementListener(LiveSettings settings)
    {
        var listen = settings.Current.Options.Listen;
        var address = listen.Management;
        if (string.IsNullOrEmpty(address))
            return;

        var colon = address.LastIndexOf(':');
        // Port 0 would be a port that nobody can tell beforehand, so the check below could never match it.
        if (!int.TryParse(address.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out _port) || _port is < 1 or > 65_535)
            throw new InvalidOperationException($"Listen:Management is '{address}': it needs an address and a port from 1 to 65535, such as 127.0.0.1:9090.");
        if (_port == listen.Port)
            throw new InvalidOperationException($"Listen:Management is '{address}', but {_port} is the main listener's port: the port tells the two apart, so they need different ones.");
    }

    /// <summary>Whether there is such a listener. Its answers are then given nowhere else.</summary>
    public bool IsConfigured => _port != 0;

    public bool Received(HttpContext context) => IsConfigured && context.Connection.LocalPort == _port;
}
