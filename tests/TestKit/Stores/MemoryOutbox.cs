using EdgeCache.Storage;
using EdgeCache.Storage.Tiering;

namespace EdgeCache.TestKit.Stores;

/// <summary>An outbox in memory, for tests in which what matters is what is done with it.</summary>
public sealed class MemoryOutbox(int maxEntries = int.MaxValue, TimeProvider? time = null) : IOutbox
{
    // Protects everything below it.
    private readonly Lock _lock = new();
    private readonly Dictionary<BlobKey, (OutboxEntry Entry, string? Reason)> _items = [];
    private long _number;

    /// <summary>Called before each change; what it throws is what the disk did.</summary>
    public Action? Changing { get; set; }

    public OutboxState State
    {
        get
        {
            lock (_lock)
            {
                var waiting = Items(parked: false).ToList();
                var parked = Items(parked: true).ToList();
                return new OutboxState(waiting.Count, waiting.Sum(i => i.Entry.Length), parked.Count, parked.Sum(i => i.Entry.Length), waiting.FirstOrDefault().Entry?.Added) { MaxEntries = maxEntries };
            }
        }
    }

    public bool Contains(BlobKey key)
    {
        lock (_lock)
            return _items.ContainsKey(key);
    }

    public OutboxEntry? Find(BlobKey key)
    {
        lock (_lock)
            return _items.TryGetValue(key, out var item) ? item.Entry : null;
    }

    public ValueTask<OutboxEntry?> AddAsync(BlobKey key, long length, CancellationToken cancellationToken)
    {
        Changing?.Invoke();
        lock (_lock)
        {
            if (_items.Count >= maxEntries && !_items.ContainsKey(key))
                return new((OutboxEntry?)null);
            var entry = new OutboxEntry(key, ++_number, length, (time ?? TimeProvider.System).GetUtcNow());
            _items[key] = (entry, null);
            return new(entry);
        }
    }

    public ValueTask RemoveAsync(OutboxEntry entry, CancellationToken cancellationToken)
    {
        Changing?.Invoke();
        lock (_lock)
        {
            if (IsCurrent(entry))
                _items.Remove(entry.Key);
        }
        return ValueTask.CompletedTask;
    }

    public ValueTask ParkAsync(OutboxEntry entry, string reason, CancellationToken cancellationToken)
    {
        Changing?.Invoke();
        lock (_lock)
        {
            if (IsCurrent(entry))
                _items[entry.Key] = (entry, reason);
        }
        return ValueTask.CompletedTask;
    }

    public ValueTask<int> ReleaseAsync(CancellationToken cancellationToken)
    {
        Changing?.Invoke();
        lock (_lock)
        {
            var parked = Items(parked: true).ToList();
            foreach (var (entry, _) in parked)
                _items[entry.Key] = (entry, null);
            return new(parked.Count);
        }
    }

    public IReadOnlyList<OutboxEntry> ListWaiting(long after, int limit)
    {
        lock (_lock)
            return [.. Items(parked: false).Select(i => i.Entry).Where(e => e.Number > after).Take(limit)];
    }

    public IReadOnlyList<ParkedEntry> ListParked(int limit)
    {
        lock (_lock)
            return [.. Items(parked: true).Select(i => new ParkedEntry(i.Entry, i.Reason!)).Take(limit)];
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private IEnumerable<(OutboxEntry Entry, string? Reason)> Items(bool parked) => _items.Values.Where(i => i.Reason is not null == parked).OrderBy(i => i.Entry.Number);

    private bool IsCurrent(OutboxEntry entry) => _items.TryGetValue(entry.Key, out var item) && item.Entry.Number == entry.Number;
}
