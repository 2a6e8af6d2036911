using EdgeCache.Edge.Configuration;

namespace EdgeCache.Edge.Origins;

/// <summary>Registers the store of an HTTP origin, where one is configured.</summary>
internal static class OriginSetup
{
    /// <summary>Adds the store and what it needs, and sets up the connections of its cluster.</summary>
    /// <exception cref="IOException">The token's file can't be used; the message says why.</exception>
    public static void AddOrigin(this IReverseProxyBuilder proxy, OriginOptions options)
    {
        if (OriginSettings.Build(options) is not { } target)
            return;
        proxy.Services.AddSingleton(target);
        proxy.Services.AddSingleton<OriginClient>();
        proxy.Services.AddSingleton<OriginStore>();
        proxy.ConfigureHttpClient((context, handler) =>
        {
            if (context.ClusterId.Equals(target.Cluster, StringComparison.OrdinalIgnoreCase))
                handler.ConnectTimeout = options.ConnectTimeout;
        });
    }
}
