using EdgeCache.Edge.Origins;
using Microsoft.Extensions.DependencyInjection;

namespace EdgeCache.Edge.Tests.Origins;

/// <summary>Nodes that are others' origin, and nodes that have one.</summary>
internal static class OriginNodes
{
    /// <summary>The namespaces of the contract suite, open for everything that it does.</summary>
    public static readonly (string Key, string Value)[] Namespaces =
    [
        .. new[] { "test", "one", "two" }.SelectMany(n => new[] { ($"Namespaces:{n}:Replaceable", "true"), ($"Namespaces:{n}:SlashInKeys", "true") }),
        ("Namespaces:fixed:SlashInKeys", "true"),
        ("Namespaces:cas:Verified", "true"),
    ];

    /// <summary>A node with an origin; its store is <see cref="Store"/>.</summary>
    public static Task<TestNode> StartFrontAsync(IEnumerable<Uri> origins, params (string Key, string Value)[] more) => TestNode.StartAsync(Cluster(origins, more));

    /// <summary>The store of a node's origin.</summary>
    public static OriginStore Store(this TestNode node) => node.Services.GetRequiredService<OriginStore>();

    private static (string Key, string Value)[] Cluster(IEnumerable<Uri> origins, (string Key, string Value)[] more) =>
    [
        ("Storage:Origin:Cluster", "far"),
        ("Storage:Origin:Token", TestNode.Token),
        .. origins.Select((o, i) => ($"ReverseProxy:Clusters:far:Destinations:d{i}:Address", o.AbsoluteUri)),
        .. Namespaces,
        .. more,
    ];
}
