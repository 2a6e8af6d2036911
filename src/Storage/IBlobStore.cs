using EdgeCache.Codecs.Choosing;

namespace EdgeCache.Storage;

/// <summary>
/// The contract that every store keeps. What can be expected to happen (missing, exists, no space, …) is a value; an exception is a fault.
/// No member holds a whole blob in memory. All members may be called concurrently.
/// </summary>
public interface IBlobStore : IAsyncDisposable
{
    /// <summary>Opens a blob for reading. What is read is one version of the blob, whole and unchanged, also when it is replaced or deleted meanwhile.</summary>
    /// <param name="key">The blob.</param>
    /// <param name="expected">The part that the caller will most likely read: a hint for a store to which asking costs a round trip.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>A reader, which the caller disposes; <see cref="StoreStatus.Missing"/> or <see cref="StoreStatus.Unavailable"/>.</returns>
    ValueTask<Outcome<IBlobReader>> OpenReadAsync(BlobKey key, ByteRange expected, CancellationToken cancellationToken);

    /// <summary>Tells what is known of a blob without opening its content.</summary>
    /// <returns>The metadata; <see cref="StoreStatus.Missing"/> or <see cref="StoreStatus.Unavailable"/>.</returns>
    ValueTask<Outcome<BlobMetadata>> StatAsync(BlobKey key, CancellationToken cancellationToken);

    /// <summary>Begins to write a blob. Nothing is visible under the key before <see cref="IBlobWriter.CommitAsync"/> succeeds.</summary>
    /// <returns>A writer, which the caller disposes; <see cref="StoreStatus.NoSpace"/>, <see cref="StoreStatus.TooLarge"/> or <see cref="StoreStatus.Unavailable"/> when it is already clear that the write can't succeed.</returns>
    ValueTask<Outcome<IBlobWriter>> OpenWriteAsync(BlobKey key, PutOptions options, CancellationToken cancellationToken);

    /// <summary>Deletes a blob for good: once the outcome is there, a crash does not bring it back.</summary>
    /// <param name="key">The blob.</param>
    /// <param name="condition">A condition on the blob that is there; null for none.</param>
    /// <param name="cancellationToken">Ends the wait; the delete may happen all the same.</param>
    /// <returns>What was deleted; <see cref="StoreStatus.Missing"/>, <see cref="StoreStatus.PreconditionFailed"/> or <see cref="StoreStatus.Unavailable"/>.</returns>
    ValueTask<Outcome<BlobMetadata>> DeleteAsync(BlobKey key, BlobCondition? condition, CancellationToken cancellationToken);

    /// <summary>
    /// Lists blobs in ordinal order of (tenant, key). What is written or deleted during the listing may or may not be in it; everything else is, once.
    /// </summary>
    /// <param name="prefix">Which blobs.</param>
    /// <param name="cancellationToken">Ends the listing.</param>
    /// <exception cref="NotSupportedException">The store is behind a protocol that can't list; thrown at once.</exception>
    IAsyncEnumerable<BlobListing> ListAsync(BlobPrefix prefix, CancellationToken cancellationToken);

    /// <summary>
    /// A stamp of the key's history for <see cref="PutOptions.IfGeneration"/>: it changes with every write, delete and purge of the key.
    /// It may also change without one (stamps are shared by several keys, to be bounded), never the other way round. Valid within this process.
    /// </summary>
    long GetGeneration(BlobKey key);

    /// <summary>How the store is doing now. Cheap: no call to disk or network.</summary>
    StoreState State { get; }
}

/// <summary>Which blobs a listing is about.</summary>
/// <param name="Namespace">The namespace.</param>
/// <param name="Tenant">The tenant; null for all tenants.</param>
/// <param name="KeyPrefix">How the keys begin; empty for all.</param>
/// <param name="Tag">A tag that they have; null for any, and none.</param>
/// <param name="Writer">Who wrote them, empty for those of whom that is not known; null for anybody.</param>
public sealed record BlobPrefix(string Namespace, string? Tenant = null, string KeyPrefix = "", string? Tag = null, string? Writer = null);

/// <summary>One line of a listing.</summary>
/// <param name="Key">The blob.</param>
/// <param name="Length">Length of its content in bytes.</param>
/// <param name="Created">When it was stored.</param>
public sealed record BlobListing(BlobKey Key, long Length, DateTimeOffset Created);

/// <summary>How a store is doing.</summary>
/// <param name="UsedBytes">Disk space it takes, in allocated bytes; 0 for a far store, which does not know.</param>
/// <param name="MaxBytes">Its limit in bytes; <see cref="long.MaxValue"/> for none.</param>
/// <param name="Blobs">Number of blobs; 0 for a far store.</param>
/// <param name="Fault">Null when it reads and writes; otherwise one sentence that says what it can't do and why.</param>
public sealed record StoreState(long UsedBytes, long MaxBytes, long Blobs, string? Fault)
{
    /// <summary>How much of the log has been read, 0 to 1, while the store serves and still finds out which blobs it has: some are missing until then. Null (the default) when it knows.</summary>
    public double? Rebuilding { get; init; }

    /// <summary>What each namespace takes, as far as the store knows it.</summary>
    public IReadOnlyList<NamespaceUsage> Namespaces { get; init; } = [];

    /// <summary>Blobs that were found damaged since the start, and dropped.</summary>
    public long DamagedBlobs { get; init; }

    /// <summary>What is held in memory.</summary>
    public MemoryTierState MemoryTier { get; init; }

    /// <summary>What was compressed of what was written since the start, and why; only what there was.</summary>
    public IReadOnlyList<CompressionTotal> Compression { get; init; } = [];

    /// <summary>Blobs that are stored as they are until they are compressed, when the processors have time.</summary>
    public long DeferredBlobs { get; init; }

    /// <summary>How the far store behind this one is doing; null where there is none.</summary>
    public Tiering.TierState? Tier { get; init; }
}
