using EdgeCache.Edge.Compression;
using EdgeCache.Edge.Cors;
using EdgeCache.Edge.Limits;
using EdgeCache.Edge.Protocols;
using EdgeCache.Edge.Signing;
using Microsoft.AspNetCore.Cors.Infrastructure;
using Yarp.ReverseProxy.Configuration;

namespace EdgeCache.Edge.Configuration;

/// <summary>Runs YARP's own validation over a candidate configuration, before anything that serves requests gets to see it.</summary>
internal static class ReverseProxyCheck
{
    /// <summary>Registers the reverse proxy with the user's routes and ours. Check and node use the same registration, so that what passes here also loads there.</summary>
    public static IReverseProxyBuilder AddProxy(IServiceCollection services, IConfiguration configuration, RateLimitOptions limits, Func<IServiceProvider, PolicyNames> names)
    {
        RoutePolicy.AddAll(services, limits);
        services.AddSingleton(names);
        services.AddSingleton<ICorsPolicyProvider, CorsPolicies>();
        var proxy = services.AddReverseProxy().LoadFromConfig(configuration.GetSection(FrameworkSections.ReverseProxy))
            .LoadFromMemory(BuiltinRoutes.Routes, BuiltinRoutes.Clusters).AddTransformFactory<SignedUrlTransformFactory>().AddTransformFactory<RouteCompression>();

        // YARP brings data protection for session affinity, and that makes keys in the user's home at every start. Without this eager
        // service they are made when a route first needs them, and a node without such routes writes nothing outside its store.
        foreach (var eager in services.Where(s => s.ServiceType == typeof(IHostedService) && s.ImplementationType?.Name == "DataProtectionHostedService").ToArray())
            services.Remove(eager);
        return proxy;
    }

    public static async Task CheckAsync(IConfiguration configuration, RateLimitOptions limits, PolicyNames names, ConfigurationErrors errors, CancellationToken cancellationToken)
    {
        await using var provider = BuildProvider(configuration, limits, names);
        if (TryConvert(provider, out var configs) is { } fault)
        {
            await AddCulpritsAsync(configuration, limits, names, fault, errors);
            return;
        }
        var validator = provider.GetRequiredService<IConfigValidator>();
        var filters = provider.GetServices<IProxyConfigFilter>().ToArray();
        var clusters = new Dictionary<string, ClusterConfig>(StringComparer.OrdinalIgnoreCase);
        foreach (var original in configs.SelectMany(c => c.Clusters))
        {
            var cluster = original;
            foreach (var filter in filters)
                cluster = await filter.ConfigureClusterAsync(cluster, cancellationToken);
            var key = $"{FrameworkSections.ReverseProxy}:Clusters:{cluster.ClusterId}";
            if (!clusters.TryAdd(cluster.ClusterId, cluster))
                errors.Add($"{key}: the name is taken by another cluster, perhaps a built-in one. Choose another.");
            Add(key, await validator.ValidateClusterAsync(cluster), errors);
        }
        var routes = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        foreach (var original in configs.SelectMany(c => c.Routes))
        {
            var route = original;
            var cluster = route.ClusterId is null ? null : clusters.GetValueOrDefault(route.ClusterId);
            foreach (var filter in filters)
                route = await filter.ConfigureRouteAsync(route, cluster, cancellationToken);
            var key = $"{FrameworkSections.ReverseProxy}:Routes:{route.RouteId}";
            if (!routes.Add(route.RouteId))
                errors.Add($"{key}: the name is taken by another route, perhaps a built-in one. Choose another.");
            Add(key, await validator.ValidateRouteAsync(route), errors);
            if (route.ClusterId is { } id && !clusters.ContainsKey(id))
                errors.Add($"{key}:ClusterId = \"{id}\": there is no such cluster.{Suggestion.Sentence(Suggestion.Nearest(id, clusters.Keys))}");
        }
    }

    private static ServiceProvider BuildProvider(IConfiguration configuration, RateLimitOptions limits, PolicyNames names)
    {
        var services = new ServiceCollection();
        services.AddLogging();
        services.AddSingleton(configuration);
        AddProxy(services, configuration, limits, _ => names);
        return services.BuildServiceProvider();
    }

    private static string? TryConvert(ServiceProvider provider, out IReadOnlyList<IProxyConfig> configs)
    {
        configs = [];
        try
        {
            configs = [.. provider.GetServices<IProxyConfigProvider>().Select(p => p.GetConfig())];
            return null;
        }
#pragma warning disable CA1031 // Whatever the conversion of a user's text throws is a fault of that text.
        catch (Exception e)
#pragma warning restore CA1031
        {
            return e.Message;
        }
    }

    /// <summary>YARP converts everything at once and does not say where it failed. Each route and cluster alone does.</summary>
    private static async Task AddCulpritsAsync(IConfiguration configuration, RateLimitOptions limits, PolicyNames names, string fault, ConfigurationErrors errors)
    {
        var found = false;
        foreach (var entry in configuration.GetSection(FrameworkSections.ReverseProxy).GetChildren().SelectMany(s => s.GetChildren()))
        {
            var alone = new ConfigurationBuilder().AddInMemoryCollection(entry.AsEnumerable().Where(e => e.Value is not null)).Build();
            await using var provider = BuildProvider(alone, limits, names);
            if (TryConvert(provider, out _) is not { } message)
                continue;
            errors.Add($"{entry.Path}: {message}");
            found = true;
        }
        if (!found)
            errors.Add($"{FrameworkSections.ReverseProxy}: {fault}");
    }

    private static void Add(string key, IList<Exception> faults, ConfigurationErrors errors)
    {
        foreach (var fault in faults)
            errors.Add($"{key}: {fault.Message}");
    }
}
