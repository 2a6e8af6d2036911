namespace EdgeCache.Storage.Local;

/// <summary>One stored blob as the catalog knows it. Replaced, never changed, but for the time of its last use.</summary>
internal sealed class CatalogEntry(BlobMetadata metadata, int headerLength, long allocatedBytes, long lastUse)
{
    private long _lastUse = lastUse;

    public BlobMetadata Metadata { get; } = metadata;

    /// <summary>Where the payload begins in the file.</summary>
    public int HeaderLength { get; } = headerLength;

    public long AllocatedBytes { get; } = allocatedBytes;

    /// <summary>Unix time in milliseconds; eviction takes the smallest first. A torn or late value only shifts the order.</summary>
    public long LastUse => Volatile.Read(ref _lastUse);

    public void Touch(long now) => Volatile.Write(ref _lastUse, now);
}
