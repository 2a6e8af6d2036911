namespace EdgeCache.Storage.Local.Outbox;

/// <summary>Where an outbox is, and how much it may hold.</summary>
public sealed record SqliteOutboxOptions
{
    /// <summary>The folder of the store whose blobs are listed. Whoever opens the outbox has the store open, and so the folder's lock.</summary>
    public required string Path { get; init; }

    /// <summary>Most entries, waiting and parked, at least 1. Each takes about half a kilobyte of memory and of disk. Default: 100,000.</summary>
    public int MaxEntries { get; init; } = 100_000;

    /// <summary>Largest sum of the lengths of their blobs, in bytes, at least 1. These blobs are not evicted, so it has to be less than the store may take. Default: 5 GiB, half of a store's default.</summary>
    public long MaxBytes { get; init; } = 5L << 30;
}
