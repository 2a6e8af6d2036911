using EdgeCache.Storage;

namespace EdgeCache.Edge.Access;

/// <summary>Which blobs somebody's scopes are about. An empty list does not narrow anything.</summary>
internal sealed record Reach
{
    public static Reach Everything { get; } = new();

    public IReadOnlyList<string> Namespaces { get; init; } = [];

    public IReadOnlyList<string> Tenants { get; init; } = [];

    /// <summary>What a key begins with, compared as text: <c>a</c> is also the beginning of <c>ab</c>.</summary>
    public IReadOnlyList<string> Prefixes { get; init; } = [];

    public bool IsEverything => Namespaces.Count == 0 && Tenants.Count == 0 && Prefixes.Count == 0;

    public bool Covers(in BlobKey key) => Covers(key.Namespace, key.Tenant, key.Key);

    /// <summary>Whether a blob is within reach, or everything whose key begins with a text.</summary>
    /// <param name="namespace">The namespace.</param>
    /// <param name="tenant">The tenant; may be empty.</param>
    /// <param name="key">A key, or the beginning of keys.</param>
    public bool Covers(string @namespace, string tenant, string key) =>
        (Namespaces.Count == 0 || Contains(Namespaces, @namespace)) && (Tenants.Count == 0 || Contains(Tenants, tenant)) && (Prefixes.Count == 0 || BeginsWithOne(key));

    // Loops, because this runs for every request, and a query would allocate.
    private static bool Contains(IReadOnlyList<string> names, string name)
    {
        for (var i = 0; i < names.Count; i++)
        {
            if (names[i] == name)
                return true;
        }
        return false;
    }

    private bool BeginsWithOne(string key)
    {
        for (var i = 0; i < Prefixes.Count; i++)
        {
            if (key.StartsWith(Prefixes[i], StringComparison.Ordinal))
                return true;
        }
        return false;
    }
}
