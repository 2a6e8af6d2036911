namespace EdgeCache.Storage;

/// <summary>What keys and writes of a namespace mean. A value of the type is valid: built from configuration once, at start and at reload.</summary>
public sealed record NamespacePolicy
{
    /// <summary>The namespace.</summary>
    public required string Name { get; init; }

    /// <summary>Whether every key is the SHA-256 of its content in lower-case hexadecimal, checked at each write.</summary>
    public bool Verified { get; init; }

    /// <summary>Whether writing other bytes under a stored key replaces them; otherwise the first stays.</summary>
    public bool Replaceable { get; init; }

    /// <summary>Whether <c>/</c> may divide a key into segments.</summary>
    public bool SlashInKeys { get; init; }

    /// <summary>Largest blob in bytes.</summary>
    public long MaxBlobBytes { get; init; } = long.MaxValue;

    /// <summary>For how long a shared or private cache downstream may use a blob of an immutable, unverified namespace without asking.</summary>
    public TimeSpan MaxAge { get; init; }

    /// <summary>Whether a blob that is not here is missing when the far store can't be asked; otherwise that is an error.</summary>
    public bool MissWhenUnavailable { get; init; }

    /// <summary>What caches in front are told.</summary>
    public CdnPolicy Cdn { get; init; } = CdnPolicy.None;

    /// <summary>How much it may hold, and for how long.</summary>
    public NamespaceLimits Limits { get; init; } = NamespaceLimits.None;
}
