using System.Collections.Concurrent;
using EdgeCache.Storage.Tiering;

namespace EdgeCache.Storage.Local.Outbox;

/// <summary>All entries, in memory: what questions are answered from. It says what is on disk: a change comes in when it has been committed.</summary>
internal sealed class OutboxPicture(int maxEntries, long maxBytes)
{
    private readonly ConcurrentDictionary<BlobKey, OutboxItem> _items = new();

    // Protects the two sets and the sums; held for an instant, and nothing is taken while it is held. Whether a key has an entry is asked without it.
    private readonly Lock _lock = new();
    private readonly SortedSet<OutboxItem> _waiting = new(ByNumber.Instance);
    private readonly SortedSet<OutboxItem> _parked = new(ByNumber.Instance);
    private long _waitingBytes;
    private long _parkedBytes;

    public OutboxState State
    {
        get
        {
            lock (_lock)
            {
                return new OutboxState(_waiting.Count, _waitingBytes, _parked.Count, _parkedBytes, _waiting.Min?.Entry.Added)
                {
                    MaxEntries = maxEntries,
                    MaxBytes = maxBytes,
                };
            }
        }
    }

    public OutboxItem? Find(BlobKey key) => _items.GetValueOrDefault(key);

    /// <summary>Sets what a key has; null for nothing.</summary>
    public void Set(BlobKey key, OutboxItem? item)
    {
        lock (_lock)
        {
            if (_items.TryGetValue(key, out var old))
                Count(old, -1);
            if (item is not null)
            {
                Count(item, 1);
                _items[key] = item;
            }
            else
            {
                _items.TryRemove(key, out _);
            }
        }
    }

    /// <summary>Makes this the picture of exactly these. What it had before and still has is never missing meanwhile.</summary>
    public void Replace(IReadOnlyDictionary<BlobKey, OutboxItem> items)
    {
        foreach (var item in items.Values)
            Set(item.Entry.Key, item);
        foreach (var gone in _items.Keys.Where(k => !items.ContainsKey(k)))
            Set(gone, null);
    }

    public List<OutboxItem> List(bool parked, long after, int limit)
    {
        var from = new OutboxItem(new OutboxEntry(default, after < long.MaxValue ? after + 1 : after, 0, default), null);
        var to = new OutboxItem(new OutboxEntry(default, long.MaxValue, 0, default), null);
        lock (_lock)
            return [.. (parked ? _parked : _waiting).GetViewBetween(from, to).Take(limit)];
    }

    private void Count(OutboxItem item, int by)
    {
        ref var bytes = ref item.IsParked ? ref _parkedBytes : ref _waitingBytes;
        bytes += by * item.Entry.Length;
        var items = item.IsParked ? _parked : _waiting;
        _ = by > 0 ? items.Add(item) : items.Remove(item);
    }

    private sealed class ByNumber : IComparer<OutboxItem>
    {
        public static ByNumber Instance { get; } = new();

        public int Compare(OutboxItem? x, OutboxItem? y) => x!.Entry.Number.CompareTo(y!.Entry.Number);
    }
}
