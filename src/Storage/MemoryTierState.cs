namespace EdgeCache.Storage;

/// <summary>What a store holds in memory besides the disk. Counters begin at 0 when the store is opened.</summary>
public readonly record struct MemoryTierState
{
    /// <summary>Memory it may take, in bytes; 0 when it is off.</summary>
    public long MaxBytes { get; init; }

    /// <summary>Memory it takes, in bytes, with all that is around the content.</summary>
    public long UsedBytes { get; init; }

    /// <summary>Blobs that it holds.</summary>
    public long Blobs { get; init; }

    /// <summary>Reads that were served from it.</summary>
    public long Hits { get; init; }

    /// <summary>Content bytes of the blobs that were served from it.</summary>
    public long HitBytes { get; init; }

    /// <summary>Blobs that were taken in.</summary>
    public long Admissions { get; init; }

    /// <summary>Blobs that went because others needed the room.</summary>
    public long Evictions { get; init; }
}
