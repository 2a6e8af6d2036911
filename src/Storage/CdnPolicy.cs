namespace EdgeCache.Storage;

/// <summary>What caches in front of a node are told of a namespace's blobs, besides their age.</summary>
public sealed record CdnPolicy
{
    /// <summary>Nothing but the tags.</summary>
    public static CdnPolicy None { get; } = new();

    /// <summary>For how long a CDN that is told of purges may use a blob without asking; zero: it is told nothing of its own.</summary>
    public TimeSpan MaxAge { get; init; }

    /// <summary>The header fields in which it is told (RFC 9213).</summary>
    public IReadOnlyList<string> Fields { get; init; } = [];

    /// <summary>For how long a blob may be used after its age while it is asked about (RFC 5861); zero for not at all.</summary>
    public TimeSpan StaleWhileRevalidate { get; init; }

    /// <summary>For how long a blob may be used after its age when asking about it fails (RFC 5861); zero for not at all.</summary>
    public TimeSpan StaleIfError { get; init; }

    /// <summary>The header fields in which a blob's tags are sent.</summary>
    public IReadOnlyList<string> TagFields { get; init; } = [];
}
