namespace EdgeCache.Edge.Limits;

/// <summary>How the server takes limits into its pipeline.</summary>
internal static class LimitExtensions
{
    public static IServiceCollection AddLimits(this IServiceCollection services)
    {
        services.AddSingleton<LimitClock>();
        services.AddSingleton<LimitState>();
        services.AddSingleton<RequestLimiter>();
        services.AddSingleton<Reputation>();
        services.AddSingleton<UploadGate>();
        services.AddSingleton<WorkGate>();
        services.AddSingleton<LimitMetrics>();
        services.AddSingleton<LimitAnswer>();
        return services;
    }
}
