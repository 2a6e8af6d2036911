using EdgeCache.Edge.Cors;
using Yarp.ReverseProxy.Configuration;

namespace EdgeCache.Edge.Protocols;

/// <summary>
/// The built-in routes as YARP routes, so that they live in one table with the user's own and are matched by the same rules. They come after the
/// user's: a route of the user's for the same path takes it over.
/// </summary>
internal static class BuiltinRoutes
{
    /// <summary>Metadata of a route that one of our protocols serves; its value is the protocol's name.</summary>
    public const string ProtocolMetadata = "EdgeCache.Protocol";

    public const string Artifacts = "artifacts";
    public const string Cache = "cache";

    /// <summary>Route values that the paths below define.</summary>
    public const string KeyValue = "key";
    public const string NamespaceValue = "namespace";

    private const int AfterTheUsers = 1_000_000;

    /// <summary>Never forwarded to: a route without a cluster would be answered with 503 before our part of the pipeline.</summary>
    private const string PlaceholderCluster = "edgecache";

    public static IReadOnlyList<RouteConfig> Routes { get; } =
    [
        Route(Artifacts, $"/artifacts/{{**{KeyValue}}}"),
        Route(Cache, $"/cache/{{{NamespaceValue}}}/{{**{KeyValue}}}"),
    ];

    public static IReadOnlyList<ClusterConfig> Clusters { get; } = [new ClusterConfig { ClusterId = PlaceholderCluster }];

    private static RouteConfig Route(string protocol, string path) => new()
    {
        RouteId = $"edgecache-{protocol}",
        ClusterId = PlaceholderCluster,
        Order = AfterTheUsers,
        CorsPolicy = CorsPolicies.OfNamespace,
        Match = new RouteMatch { Path = path },
        Metadata = new Dictionary<string, string>(StringComparer.Ordinal) { [ProtocolMetadata] = protocol },
    };
}
