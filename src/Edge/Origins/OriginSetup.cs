using EdgeCache.Edge.Configuration;
using EdgeCache.Storage;

namespace EdgeCache.Edge.Origins;

/// <summary>Sets up the connections to the servers behind, and the store of an HTTP origin where one is configured.</summary>
internal static class OriginSetup
{
    /// <summary>Sets up the connections of all clusters, and adds the store and what it needs.</summary>
    /// <exception cref="IOException">The token's file can't be used; the message says why.</exception>
    public static void AddOrigin(this IReverseProxyBuilder proxy, OriginOptions options)
    {
        var target = OriginSettings.Build(options);

        // YARP calls the last function that it was given, and no other.
        proxy.ConfigureHttpClient((context, handler) =>
        {
            handler.ConnectCallback = OutboundConnection.ConnectAsync;
            if (context.ClusterId.Equals(target?.Cluster, StringComparison.OrdinalIgnoreCase))
                handler.ConnectTimeout = options.ConnectTimeout;
        });
        if (target is null)
            return;
        proxy.Services.AddSingleton(target);
        proxy.Services.AddSingleton<OriginClient>();
        proxy.Services.AddSingleton<OriginStore>();
    }
}
