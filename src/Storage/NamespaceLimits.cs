namespace EdgeCache.Storage;

/// <summary>How much a namespace may hold, and for how long. A value of the type is valid: built from configuration, anew at each reload.</summary>
public sealed record NamespaceLimits
{
    /// <summary>No limits but the store's own.</summary>
    public static NamespaceLimits None { get; } = new();

    /// <summary>Disk space that the blobs of the namespace may take, in bytes, at least 1. Default: no limit but the store's.</summary>
    public long QuotaBytes { get; init; } = long.MaxValue;

    /// <summary>How long a blob is kept since it was stored, more than zero; after that it is missing. Default: null, for ever.</summary>
    public TimeSpan? Retention { get; init; }
}

/// <summary>What a namespace takes, and what was evicted of it since the start.</summary>
/// <param name="Name">The namespace.</param>
/// <param name="Bytes">Disk space of its blobs, in bytes.</param>
/// <param name="EvictedForCapacity">Blobs that went because the store was full.</param>
/// <param name="EvictedForQuota">Blobs that went because the namespace was full.</param>
/// <param name="EvictedForAge">Blobs that went because they were kept for long enough.</param>
public sealed record NamespaceUsage(string Name, long Bytes, long EvictedForCapacity, long EvictedForQuota, long EvictedForAge);
