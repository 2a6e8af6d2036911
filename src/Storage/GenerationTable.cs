namespace EdgeCache.Storage;

/// <summary>
/// Remembers, in bounded memory, that something has happened to a key: a table of counters, each shared by the keys that hash to it.
/// A shared counter may say "changed" for a key that was not; it never misses a change.
/// </summary>
/// <remarks>Lock-free: each counter is only ever incremented, and read on its own.</remarks>
public sealed class GenerationTable
{
    /// <summary>Takes 2 MiB. A fetch of ten seconds on a node that takes a thousand writes a second is then one of twenty-seven that see a change which is none of theirs.</summary>
    private const int Size = 1 << 18;
    private readonly long[] _stamps = new long[Size];

    /// <summary>The key's present stamp.</summary>
    public long Get(BlobKey key) => Volatile.Read(ref _stamps[IndexOf(key)]);

    /// <summary>
    /// Notes that the key was written, deleted or purged. Called twice: before the change can be seen by a reader, so that no reader of the new state holds
    /// the old stamp; and after it, so that nobody who saw the old state holds the last one.
    /// </summary>
    public void Advance(BlobKey key) => Interlocked.Increment(ref _stamps[IndexOf(key)]);

    private static int IndexOf(BlobKey key) => key.GetHashCode() & (Size - 1);
}
