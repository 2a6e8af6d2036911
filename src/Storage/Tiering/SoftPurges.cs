using System.Collections.Concurrent;

namespace EdgeCache.Storage.Tiering;

/// <summary>
/// Copies that were purged softly and not found good since: each is held against the far store before it is served again. In memory, up to a fixed number; a restart forgets it.
/// </summary>
internal sealed class SoftPurges
{
    /// <summary>Most copies; some hundred bytes each.</summary>
    public const int MaxCount = 100_000;

    private readonly ConcurrentDictionary<BlobKey, long> _since = [];

    // Read on every hit, so that a node without soft purges pays nothing for them. Counts those that are being added too, never fewer than there are.
    private int _count;

    /// <summary>The turn in which a copy was purged; 0 for never.</summary>
    public long Find(BlobKey key) => Volatile.Read(ref _count) != 0 && _since.TryGetValue(key, out var since) ? since : 0;

    /// <summary>Remembers a purge, also of a copy that was purged before.</summary>
    /// <returns>False when there is no room.</returns>
    public bool TryAdd(BlobKey key, long turn)
    {
        if (Interlocked.Increment(ref _count) > MaxCount && !_since.ContainsKey(key))
        {
            Interlocked.Decrement(ref _count);
            return false;
        }

        // The last one called is the one that counts: what is just replaced may go in the same instant, and then it is added after all.
        var isNew = true;
        _since.AddOrUpdate(
            key,
            _ =>
            {
                isNew = true;
                return turn;
            },
            (_, _) =>
            {
                isNew = false;
                return turn;
            });
        if (!isNew)
            Interlocked.Decrement(ref _count);
        return true;
    }

    /// <summary>Forgets a purge, unless there has been another since.</summary>
    public void Remove(BlobKey key, long since)
    {
        if (_since.TryRemove(new KeyValuePair<BlobKey, long>(key, since)))
            Interlocked.Decrement(ref _count);
    }
}
