using EdgeCache.Storage;

namespace EdgeCache.Edge.Origins;

/// <summary>Where an HTTP origin is and how it is spoken to. Whoever builds one has checked the ranges.</summary>
internal sealed record OriginTarget
{
    /// <summary>The cluster of the reverse proxy whose destinations are the origin. They are taken to serve the same blobs.</summary>
    public required string Cluster { get; init; }

    /// <summary>Whether the destinations are nodes like this one: they keep conditions and metadata. Otherwise neither is relied on.</summary>
    public bool IsEdgeCache { get; init; } = true;

    /// <summary>What comes before <c>artifacts/</c> and <c>cache/</c> in the path; empty, or with a <c>/</c> at the end.</summary>
    public string PathPrefix { get; init; } = "";

    /// <summary>Sent as a bearer token; null for none. Never shown.</summary>
    public string? Token { get; init; }

    /// <summary>Longest wait for the header of an answer, for the next bytes of one, or for bytes that are sent to be taken.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>The origin as messages name it.</summary>
    public string Name => $"The origin '{Cluster}'";

    /// <summary>The address of a blob at a destination: as this node's own routes are.</summary>
    public Uri AddressOf(string destination, BlobKey key) => new(
        key.Namespace == "artifacts"
            ? $"{destination.TrimEnd('/')}/{PathPrefix}artifacts/{key.Key}"
            : $"{destination.TrimEnd('/')}/{PathPrefix}cache/{key.Namespace}/{key.Key}");
}
