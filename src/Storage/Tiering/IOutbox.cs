namespace EdgeCache.Storage.Tiering;

/// <summary>
/// The durable list of blobs that are acknowledged and not in the far store yet. One entry a key: what is uploaded is what the local store has under the key then. Once
/// <see cref="AddAsync"/> has succeeded, the entry survives a crash until <see cref="RemoveAsync"/> or <see cref="ParkAsync"/>. All members may be called concurrently.
/// </summary>
public interface IOutbox : IAsyncDisposable
{
    /// <summary>Entries that wait or are being uploaded, and those that are parked, with the sum of their lengths. Cheap.</summary>
    OutboxState State { get; }

    /// <summary>Whether a key has an entry, parked or not. Cheap: asked at each eviction.</summary>
    bool Contains(BlobKey key);

    /// <summary>The key's entry, parked or not; null for none.</summary>
    OutboxEntry? Find(BlobKey key);

    /// <summary>Adds or replaces the key's entry, also a parked one.</summary>
    /// <returns>The entry with its number; null when the outbox is full (<see cref="OutboxState.MaxBytes"/>, <see cref="OutboxState.MaxEntries"/>).</returns>
    /// <exception cref="IOException">The disk refused: there is no entry.</exception>
    ValueTask<OutboxEntry?> AddAsync(BlobKey key, long length, CancellationToken cancellationToken);

    /// <summary>Removes an entry if it is still the one with this number; one that was replaced stays.</summary>
    /// <exception cref="IOException">The disk refused: the entry may be there again after a crash.</exception>
    ValueTask RemoveAsync(OutboxEntry entry, CancellationToken cancellationToken);

    /// <summary>Sets an entry aside, with the reason, if it is still the one with this number: it is kept and shown, and not tried again before <see cref="ReleaseAsync"/>.</summary>
    ValueTask ParkAsync(OutboxEntry entry, string reason, CancellationToken cancellationToken);

    /// <summary>Lets all parked entries be tried again.</summary>
    /// <returns>How many there were.</returns>
    ValueTask<int> ReleaseAsync(CancellationToken cancellationToken);

    /// <summary>Up to a number of entries that are not parked, from the oldest, of a number larger than a given one.</summary>
    IReadOnlyList<OutboxEntry> ListWaiting(long after, int limit);

    /// <summary>Up to a number of parked entries, from the oldest.</summary>
    IReadOnlyList<ParkedEntry> ListParked(int limit);
}

/// <summary>A blob that is to be uploaded.</summary>
/// <param name="Key">The blob.</param>
/// <param name="Number">Grows with every entry of the outbox, also across restarts; tells an entry from one that replaced it.</param>
/// <param name="Length">Length of the content in bytes.</param>
/// <param name="Added">When the blob was acknowledged.</param>
public sealed record OutboxEntry(BlobKey Key, long Number, long Length, DateTimeOffset Added);

/// <summary>An entry that was set aside.</summary>
/// <param name="Entry">The entry.</param>
/// <param name="Reason">Why it can't be uploaded, in one sentence.</param>
public sealed record ParkedEntry(OutboxEntry Entry, string Reason);

/// <summary>How an outbox is doing.</summary>
/// <param name="Waiting">Entries that are to be uploaded.</param>
/// <param name="WaitingBytes">The sum of their lengths.</param>
/// <param name="Parked">Entries that were set aside.</param>
/// <param name="ParkedBytes">The sum of their lengths.</param>
/// <param name="Oldest">When the oldest waiting entry was added; null for none.</param>
public sealed record OutboxState(int Waiting, long WaitingBytes, int Parked, long ParkedBytes, DateTimeOffset? Oldest)
{
    /// <summary>Most entries, waiting and parked.</summary>
    public int MaxEntries { get; init; } = int.MaxValue;

    /// <summary>Largest sum of their lengths.</summary>
    public long MaxBytes { get; init; } = long.MaxValue;
}
