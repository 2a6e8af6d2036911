using EdgeCache.Edge.Configuration;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.DependencyInjection.Extensions;
using KestrelListenOptions = Microsoft.AspNetCore.Server.Kestrel.Core.ListenOptions;

namespace EdgeCache.Edge.Tls;

/// <summary>Makes a listener speak HTTPS with the certificate in force at each handshake.</summary>
internal static class TlsEndpoint
{
    public static IServiceCollection AddTls(this IServiceCollection services)
    {
        services.AddMetrics();
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton<CertificateHolder>();
        services.AddHostedService<CertificateWatcher>();
        return services;
    }

    /// <summary>To be called for a listener when <see cref="TlsOptions.Certificate"/> is configured.</summary>
    public static void Configure(KestrelListenOptions listen, IServiceProvider services)
    {
        var holder = services.GetRequiredService<CertificateHolder>();
        listen.Protocols = HttpProtocols.Http1AndHttp2;
        listen.UseHttps(new TlsHandshakeCallbackOptions
        {
            OnConnection = _ => holder.Current is { } certificate
                ? ValueTask.FromResult(certificate.Options)
                // The watcher starts before the listener, so this is a mistake in the order of start; the connection is refused, not served in the clear.
                : throw new InvalidOperationException("No TLS certificate is loaded yet."),
        });
    }
}
