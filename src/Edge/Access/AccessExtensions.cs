using EdgeCache.Edge.Admin;
using EdgeCache.Edge.Configuration;
using EdgeCache.Edge.Limits;

namespace EdgeCache.Edge.Access;

/// <summary>How the server takes access into its pipeline.</summary>
internal static class AccessExtensions
{
    public static IServiceCollection AddAccess(this IServiceCollection services)
    {
        services.AddSingleton(s => new TokenListHolder(ReadList(s.GetRequiredService<LiveSettings>().Current.Options)));
        services.AddHostedService<TokenListWatcher>();
        services.AddSingleton<TokenDirectory>();
        services.AddSingleton<TokenReader>();
        services.AddSingleton<ICredentialReader>(s => s.GetRequiredService<TokenReader>());
        services.AddSingleton<Authenticator>();
        services.AddSingleton<LimitClock>();
        services.AddSingleton<ClientAddresses>();
        services.AddSingleton<AuditLog>();
        services.AddSingleton<AccessMetrics>();
        services.AddSingleton<Gatekeeper>();
        services.AddSingleton<AdminRoutes>();
        return services;
    }

    private static TokenList ReadList(EdgeCacheOptions options) => TokenListFile.TryRead(options, out var fault) ?? throw new IOException(fault);
}
