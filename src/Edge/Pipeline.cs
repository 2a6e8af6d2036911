using EdgeCache.Edge.Access;
using EdgeCache.Edge.Admin;
using EdgeCache.Edge.Compression;
using EdgeCache.Edge.Cors;
using EdgeCache.Edge.Delivery;
using EdgeCache.Edge.Limits;
using EdgeCache.Edge.Observability;
using EdgeCache.Edge.Origins;
using EdgeCache.Edge.Protocols;
using EdgeCache.Edge.Purging;
using EdgeCache.Edge.Signing;
using EdgeCache.Edge.Transport;

namespace EdgeCache.Edge;

/// <summary>The order of a request, from the first thing that sees it to the last.</summary>
internal static class Pipeline
{
    public static void AddServices(IServiceCollection services)
    {
        services.AddAccess();
        services.AddLimits();
        services.AddSingleton<NodeIdentity>();
        services.AddCompression();
        services.AddSingleton<GetHandler>();
        services.AddSingleton<PutHandler>();
        services.AddSingleton<DeleteHandler>();
        services.AddSingleton<PurgeHandler>();
        services.AddSingleton<PurgeJobs>();
        services.AddSingleton<PurgeEndpoints>();
        services.AddSingleton<OutwardPurger>();
        services.AddSingleton<SignEndpoint>();
    }

    public static void Map(WebApplication app)
    {
        if (InlineTurn.IsEnabled)
            app.Use(InlineTurn.InvokeAsync);
        app.UseRequestMetrics();
        app.UseMiddleware<FaultMiddleware>();
        app.UseMiddleware<HostFilterMiddleware>();
        app.UseMiddleware<VaryByOriginMiddleware>();
        app.UseCors();
        app.UseMiddleware<ClientLimitMiddleware>();
        app.MapObservability();
        app.Services.GetRequiredService<ReputationCalls>().Map(app);
        MapAdmin(app);
        app.MapReverseProxy(route =>
        {
            route.UseMiddleware<ProtocolMiddleware>();
            route.UseMiddleware<SignedUrlMiddleware>();
            route.UseMiddleware<AccessMiddleware>();
            route.UseMiddleware<PrincipalLimitMiddleware>();
            route.UseMiddleware<LoopMiddleware>();
            route.UseMiddleware<DeliveryMiddleware>();

            // From here on, only routes of the user's own: forwarded as YARP does it.
            route.UseRateLimiter();
            route.UseWhen(RouteCompression.IsAsked, asked => asked.UseResponseCompression());
            route.UseSessionAffinity();
            route.UseLoadBalancing();
            route.UsePassiveHealthChecks();
        });
    }

    private static void MapAdmin(WebApplication app)
    {
        var admin = app.Services.GetRequiredService<AdminRoutes>();
        app.Services.GetRequiredService<SignEndpoint>().Map(admin, app);
        app.Services.GetRequiredService<PurgeEndpoints>().Map(admin, app);
    }
}
