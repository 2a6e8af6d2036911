namespace EdgeCache.Storage;

/// <summary>
/// Remembers, in bounded memory, that something has happened to a key: a table of counters, each shared by the keys that hash to it.
/// A shared counter may say "changed" for a key that was not; it never misses a change.
/// </summary>
/// <remarks>Lock-free: each counter is only ever incremented, and read on its own.</remarks>
public sealed class GenerationTable
{
    private const int Size = 4096;
    private readonly long[] _stamps = new long[Size];

    /// <summary>The key's present stamp.</summary>
    public long Get(BlobKey key) => Volatile.Read(ref _stamps[IndexOf(key)]);

    /// <summary>Notes that the key was written, deleted or purged. Called before the change can be seen by a reader.</summary>
    public void Advance(BlobKey key) => Interlocked.Increment(ref _stamps[IndexOf(key)]);

    private static int IndexOf(BlobKey key) => key.GetHashCode() & (Size - 1);
}
