using System.Net;
using EdgeCache.Edge.Access;
using EdgeCache.Edge.Configuration;
using EdgeCache.Edge.Tls;
using EdgeCache.Edge.Transport;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using KestrelListenOptions = Microsoft.AspNetCore.Server.Kestrel.Core.ListenOptions;

namespace EdgeCache.Edge;

/// <summary>Turns the settings into Kestrel's: where it listens, and what a connection may do before anybody knows who it is.</summary>
internal static class KestrelSetup
{
    /// <summary>
    /// Bytes of a connection that wait for the request to take them. An upload that waits for the far store fills this; Kestrel's own 1 MiB would be 64 MiB for 64 of them. The system's
    /// buffer of the socket comes before it, so a fast client has no need of more.
    /// </summary>
    private const int ReadBufferLength = 128 * 1024;

    /// <summary>
    /// How long a client may leave a response alone. The server's own 5 s cut tools that had something else to do for a moment, such as to wait for a disk or for the other 60 downloads;
    /// what such a client holds here is a connection and a piece of 64 KiB. The server gives time for each byte
    /// at this rate, and what was taken faster counts on: whoever stalls late in a large response may keep the connection for long.
    /// </summary>
    private static readonly MinDataRate ResponseRate = new(bytesPerSecond: 1024, gracePeriod: TimeSpan.FromMinutes(2));

    public static void Apply(SocketTransportOptions sockets)
    {
        sockets.UnsafePreferInlineScheduling = InlineTurn.IsEnabled;
        sockets.MaxReadBufferSize = ReadBufferLength;
    }

    public static void Apply(KestrelServerOptions kestrel, EdgeCacheOptions options)
    {
        kestrel.AddServerHeader = false;
        ApplyLimits(kestrel.Limits, options.Limits);

        if (!ListenAddress.TryParse(options.Listen.Host, out var main))
            throw new ArgumentException($"\"{options.Listen.Host}\" is not an address to listen on.", nameof(options));
        Listen(kestrel, main, options.Listen.Port, listen =>
        {
            if (options.Tls.Certificate is not null)
            {
                TlsEndpoint.Configure(listen, kestrel.ApplicationServices);
                return;
            }
            listen.Protocols = HttpProtocols.Http1;
            if (options.Listen.DirectOutput)
                listen.Use(DirectOutput.Wrap);
        });
        if (ListenAddress.TryParseEndPoint(options.Listen.Management, out var management, out var port))
            Listen(kestrel, management, port, listen => listen.Protocols = HttpProtocols.Http1);
    }

    private static void ApplyLimits(KestrelServerLimits limits, LimitsOptions options)
    {
        // How large a blob may be is the namespace's and the store's business; they say so with a body that names the limit.
        limits.MaxRequestBodySize = null;
        limits.MinRequestBodyDataRate = options.MinBodyBytesPerSecond == 0 ? null : new MinDataRate(options.MinBodyBytesPerSecond, options.BodyGracePeriod);
        limits.MinResponseDataRate = ResponseRate;
        limits.RequestHeadersTimeout = options.HeaderTimeout;
        limits.KeepAliveTimeout = options.KeepAliveTimeout;
        limits.MaxConcurrentConnections = options.MaxConnections == 0 ? null : options.MaxConnections;
    }

    private static void Listen(KestrelServerOptions kestrel, ListenAddress address, int port, Action<KestrelListenOptions> protocol)
    {
        void Configure(KestrelListenOptions listen)
        {
            listen.Use(ConnectionMemory.Attach);
            protocol(listen);
        }

        if (address.Address is null)
            kestrel.ListenLocalhost(port, Configure);
        else if (IPAddress.IPv6Any.Equals(address.Address))
            kestrel.ListenAnyIP(port, Configure);
        else
            kestrel.Listen(address.Address, port, Configure);
    }
}
