using EdgeCache.Edge.Access;
using EdgeCache.Edge.Limits;
using EdgeCache.Edge.Signing;
using EdgeCache.Storage;

namespace EdgeCache.Edge.Protocols;

/// <summary>What a request to one of the built-in routes is about, once its URL has been understood. Travels with the request as a feature.</summary>
internal sealed class BlobRequest(BlobKey key, NamespacePolicy policy)
{
    public BlobKey Key { get; } = key;

    public NamespacePolicy Policy { get; } = policy;

    /// <summary>Who asks: set by access, before anything is delivered.</summary>
    public Principal Principal { get; set; } = Principal.Anonymous;

    /// <summary>What the signature of the address allows; null where there is none.</summary>
    public SignatureGrant? Signature { get; set; }

    /// <summary>Whether credentials are needed, also on a node that lets everybody in: the namespace has signed addresses, and this one is not signed.</summary>
    public bool NeedsCredentials { get; set; }

    /// <summary>Whether everybody who has the URL may read the blob, so that caches between may keep it for all: set by access.</summary>
    public bool IsPublic { get; set; }

    /// <summary>Where content is charged as it flows; null where bytes are not limited.</summary>
    public Traffic? Traffic { get; set; }
}
