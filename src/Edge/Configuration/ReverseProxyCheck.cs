using Yarp.ReverseProxy.Configuration;

namespace EdgeCache.Edge.Configuration;

/// <summary>Runs YARP's own validation over a candidate configuration, before anything that serves requests gets to see it.</summary>
internal static class ReverseProxyCheck
{
    /// <summary>Registers the reverse proxy. Check and node use the same registration, so that what passes here also loads there.</summary>
    public static IReverseProxyBuilder AddProxy(IServiceCollection services, IConfiguration configuration) =>
        services.AddReverseProxy().LoadFromConfig(configuration.GetSection(FrameworkSections.ReverseProxy));

    public static async Task CheckAsync(IConfiguration configuration, ConfigurationErrors errors, CancellationToken cancellationToken)
    {
        var services = new ServiceCollection();
        services.AddLogging();
        services.AddSingleton(configuration);
        AddProxy(services, configuration);
        await using var provider = services.BuildServiceProvider();

        IProxyConfig config;
        try
        {
            config = provider.GetRequiredService<IProxyConfigProvider>().GetConfig();
        }
#pragma warning disable CA1031 // Whatever the conversion of a user's text throws is a fault of that text.
        catch (Exception e)
#pragma warning restore CA1031
        {
            errors.Add($"{FrameworkSections.ReverseProxy}: {e.Message}");
            return;
        }
        var validator = provider.GetRequiredService<IConfigValidator>();
        var filters = provider.GetServices<IProxyConfigFilter>().ToArray();
        var clusters = new Dictionary<string, ClusterConfig>(StringComparer.OrdinalIgnoreCase);
        foreach (var original in config.Clusters)
        {
            var cluster = original;
            foreach (var filter in filters)
                cluster = await filter.ConfigureClusterAsync(cluster, cancellationToken);
            clusters[cluster.ClusterId] = cluster;
            Add($"{FrameworkSections.ReverseProxy}:Clusters:{cluster.ClusterId}", await validator.ValidateClusterAsync(cluster), errors);
        }
        foreach (var original in config.Routes)
        {
            var route = original;
            var cluster = route.ClusterId is null ? null : clusters.GetValueOrDefault(route.ClusterId);
            foreach (var filter in filters)
                route = await filter.ConfigureRouteAsync(route, cluster, cancellationToken);
            var key = $"{FrameworkSections.ReverseProxy}:Routes:{route.RouteId}";
            Add(key, await validator.ValidateRouteAsync(route), errors);
            if (route.ClusterId is { } id && !clusters.ContainsKey(id))
                errors.Add($"{key}:ClusterId = \"{id}\": there is no such cluster.{Suggestion.Sentence(Suggestion.Nearest(id, clusters.Keys))}");
        }
    }

    private static void Add(string key, IList<Exception> faults, ConfigurationErrors errors)
    {
        foreach (var fault in faults)
            errors.Add($"{key}: {fault.Message}");
    }
}
