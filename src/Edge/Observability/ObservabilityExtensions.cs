using EdgeCache.Edge.Configuration;
using EdgeCache.Edge.Limits;
using EdgeCache.Edge.Observability.Exposition;
using EdgeCache.Storage.Tiering;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace EdgeCache.Edge.Observability;

/// <summary>How the server takes metrics and health into its pipeline.</summary>
internal static class ObservabilityExtensions
{
    public static IServiceCollection AddObservability(this IServiceCollection services)
    {
        services.AddMetrics();
        services.TryAddSingleton<EdgeMetrics>();
        services.TryAddSingleton<NodeState>();
        services.TryAddSingleton<NodeGauges>();
        services.TryAddSingleton<StoreMetrics>();
        services.TryAddSingleton<CompressionMetrics>();
        services.TryAddSingleton<TierMetrics>();
        services.TryAddSingleton<OutboxMetrics>();
        services.TryAddSingleton<CodingMetrics>();
        services.TryAddSingleton<MetricsScraper>();
        services.TryAddSingleton<ManagementListener>();
        services.TryAddSingleton<ObservabilityEndpoints>();
        return services;
    }

    /// <summary>
    /// Comes first in the pipeline: counts and times everything that arrives on the main listener, and answers the management listener by itself.
    /// </summary>
    public static IApplicationBuilder UseRequestMetrics(this IApplicationBuilder app)
    {
        var management = app.ApplicationServices.GetRequiredService<ManagementListener>();
        if (management.IsConfigured)
        {
            var endpoints = app.ApplicationServices.GetRequiredService<ObservabilityEndpoints>();
            // Nothing after this sees the management listener, so nothing that is stored can be read or written there.
            app.MapWhen(management.Received, branch => branch.Run(endpoints.AnswerAsync));
        }

        return app.UseMiddleware<RequestMetricsMiddleware>();
    }

    /// <summary>Starts to measure, and maps health and metrics on the main listener unless they have one of their own.</summary>
    public static IEndpointRouteBuilder MapObservability(this IEndpointRouteBuilder app)
    {
        var services = app.ServiceProvider;
        var settings = services.GetRequiredService<LiveSettings>().Current;
        if (settings.Options.Metrics.Enabled)
        {
            // The listening must have begun before the first event, so nothing here waits for the first scrape.
            _ = services.GetRequiredService<MetricsScraper>();
            _ = services.GetRequiredService<NodeGauges>();
            _ = services.GetRequiredService<StoreMetrics>();
            _ = services.GetRequiredService<CompressionMetrics>();
            _ = services.GetRequiredService<TierMetrics>();
            if (services.GetService<IOutbox>() is not null)
                _ = services.GetRequiredService<OutboxMetrics>();
            services.GetRequiredService<EdgeMetrics>().Announce(settings.Namespaces.Keys);
        }

        if (services.GetRequiredService<ManagementListener>().IsConfigured)
            return app;

        var endpoints = services.GetRequiredService<ObservabilityEndpoints>();
        foreach (var path in endpoints.Paths)
        {
            // Before every other route, also a user's that catches all, and for every method: a POST to /health is refused here and not forwarded.
            // Probes and scrapers have no token; what must not be seen by everybody belongs on the management listener.
            app.Map(path, (RequestDelegate)endpoints.AnswerAsync).WithOrder(int.MinValue).WithDisplayName(path).WithMetadata(ProbeMark.Instance).AllowAnonymous();
        }

        return app;
    }
}
