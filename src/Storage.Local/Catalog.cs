using System.Collections.Concurrent;

namespace EdgeCache.Storage.Local;

/// <summary>
/// Which blobs there are, in memory, and what disk space they take. Entries of one key change only under that key's lock (<see cref="KeyLocks"/>);
/// reading needs none.
/// </summary>
internal sealed class Catalog
{
    private readonly ConcurrentDictionary<BlobKey, CatalogEntry> _entries = new();
    private long _usedBytes;

    public int Count => _entries.Count;

    public long UsedBytes => Volatile.Read(ref _usedBytes);

    public CatalogEntry? Find(BlobKey key) => _entries.GetValueOrDefault(key);

    /// <summary>Sets a key's entry and accounts for the space of the new file and of the one it replaces.</summary>
    public void Set(CatalogEntry entry)
    {
        var before = Find(entry.Metadata.Key)?.AllocatedBytes ?? 0;
        _entries[entry.Metadata.Key] = entry;
        Interlocked.Add(ref _usedBytes, entry.AllocatedBytes - before);
    }

    public void Remove(CatalogEntry entry)
    {
        if (_entries.TryRemove(new(entry.Metadata.Key, entry)))
            Interlocked.Add(ref _usedBytes, -entry.AllocatedBytes);
    }

    /// <summary>All entries at about this moment.</summary>
    public IEnumerable<CatalogEntry> Snapshot() => _entries.Select(e => e.Value);
}

/// <summary>
/// One lock a key, from a fixed number of them that keys share by hash. A lock protects what happens to its keys: check, rename, removal, catalog entry.
/// Nobody holds two; nothing else is locked while one is held but the disk threads' queue.
/// </summary>
internal sealed class KeyLocks
{
    private const int Count = 1024;
    private readonly SemaphoreSlim[] _locks = [.. Enumerable.Range(0, Count).Select(_ => new SemaphoreSlim(1, 1))];

    public async ValueTask<Holder> EnterAsync(BlobKey key, CancellationToken cancellationToken)
    {
        var semaphore = _locks[key.GetHashCode() & (Count - 1)];
        await semaphore.WaitAsync(cancellationToken).ConfigureAwait(false);
        return new Holder(semaphore);
    }

    internal readonly struct Holder(SemaphoreSlim semaphore) : IDisposable
    {
        public void Dispose() => semaphore.Release();
    }
}
