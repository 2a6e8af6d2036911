using EdgeCache.Edge.Access;
using EdgeCache.Edge.Compression;
using EdgeCache.Edge.Delivery;
using EdgeCache.Edge.Observability;
using EdgeCache.Edge.Origins;
using EdgeCache.Edge.Protocols;
using EdgeCache.Edge.Transport;

namespace EdgeCache.Edge;

/// <summary>The order of a request, from the first thing that sees it to the last.</summary>
internal static class Pipeline
{
    public static void AddServices(IServiceCollection services)
    {
        services.AddSingleton<TokenAuthenticator>();
        services.AddSingleton<NodeIdentity>();
        services.AddCompression();
        services.AddSingleton<GetHandler>();
        services.AddSingleton<PutHandler>();
        services.AddSingleton<DeleteHandler>();
    }

    public static void Map(WebApplication app)
    {
        if (InlineTurn.IsEnabled)
            app.Use(InlineTurn.InvokeAsync);
        app.UseRequestMetrics();
        app.UseMiddleware<FaultMiddleware>();
        app.UseMiddleware<HostFilterMiddleware>();
        app.MapObservability();
        app.MapReverseProxy(route =>
        {
            route.UseMiddleware<ProtocolMiddleware>();
            route.UseMiddleware<AccessMiddleware>();
            route.UseMiddleware<LoopMiddleware>();
            route.UseMiddleware<DeliveryMiddleware>();

            // From here on, only routes of the user's own: forwarded as YARP does it.
            route.UseWhen(RouteCompression.IsAsked, asked => asked.UseResponseCompression());
            route.UseSessionAffinity();
            route.UseLoadBalancing();
            route.UsePassiveHealthChecks();
        });
    }
}
