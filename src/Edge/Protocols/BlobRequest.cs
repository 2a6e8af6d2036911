using EdgeCache.Edge.Access;
using EdgeCache.Storage;

namespace EdgeCache.Edge.Protocols;

/// <summary>What a request to one of the built-in routes is about, once its URL has been understood. Travels with the request as a feature.</summary>
internal sealed class BlobRequest(BlobKey key, NamespacePolicy policy)
{
    public BlobKey Key { get; } = key;

    public NamespacePolicy Policy { get; } = policy;

    /// <summary>Who asks: set by access, before anything is delivered.</summary>
    public Principal Principal { get; set; } = Principal.Anonymous;
}
