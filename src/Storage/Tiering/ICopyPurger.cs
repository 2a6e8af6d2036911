namespace EdgeCache.Storage.Tiering;

/// <summary>Purges what a store holds of another one, and leaves that one as it is. All members may be called concurrently.</summary>
public interface ICopyPurger
{
    /// <summary>
    /// From when this returns on, the copy is served only after the far store has been asked about it (or can't be asked: then it is stale). What is being fetched is not stored, and
    /// what is remembered of the far store is void. Not written down: a restart forgets it.
    /// </summary>
    /// <returns>The copy; <see cref="StoreStatus.Missing"/> or <see cref="StoreStatus.Unavailable"/>.</returns>
    ValueTask<Outcome<BlobMetadata>> SoftenCopyAsync(BlobKey key, CancellationToken cancellationToken);

    /// <summary>Removes the copy, and makes void what is being fetched and what is remembered of the far store. What is acknowledged and only here stays.</summary>
    /// <returns>The copy; <see cref="StoreStatus.Missing"/>; <see cref="StoreStatus.Unavailable"/>, also for a blob that is not in the far store yet.</returns>
    ValueTask<Outcome<BlobMetadata>> DropCopyAsync(BlobKey key, CancellationToken cancellationToken);

    /// <summary>Lists what is here or just coming in, in no order, some perhaps twice. What comes in and of which nothing is known yet is in it where neither tag nor writer is asked for.</summary>
    IAsyncEnumerable<BlobListing> ListCopiesAsync(BlobPrefix prefix, CancellationToken cancellationToken);

    /// <summary>
    /// Of a namespace of which many are purged: makes void what is remembered of the far store, also of what is not here, and keeps from being stored what is being fetched and of which
    /// nothing is known yet, so that it can't be told whether it is one of them.
    /// </summary>
    ValueTask ForgetAsync(string @namespace, CancellationToken cancellationToken);
}
