using EdgeCache.Storage.Tiering;

namespace EdgeCache.Storage.Local.Outbox;

/// <summary>What a transaction is going to change: the changes of all who share it, one after the other, each on top of those before.</summary>
internal sealed class OutboxPlan
{
    /// <summary>A reason is one sentence; an answer of a far store that is more than that is cut.</summary>
    private const int MaxReasonLength = 500;

    private readonly OutboxPicture _picture;
    private readonly Dictionary<BlobKey, OutboxItem?> _changes = [];
    private readonly int _maxEntries;
    private readonly long _maxBytes;
    private long _bytes;

    public OutboxPlan(OutboxPicture picture, long lastNumber)
    {
        _picture = picture;
        LastNumber = lastNumber;
        var state = picture.State;
        (_maxEntries, _maxBytes) = (state.MaxEntries, state.MaxBytes);
        Entries = state.Waiting + state.Parked;
        _bytes = state.WaitingBytes + state.ParkedBytes;
    }

    /// <summary>What keys will have; null for nothing.</summary>
    public IReadOnlyDictionary<BlobKey, OutboxItem?> Changes => _changes;

    /// <summary>Number of entries when all is done.</summary>
    public int Entries { get; private set; }

    /// <summary>The largest number that was ever given.</summary>
    public long LastNumber { get; private set; }

    public OutboxEntry? Add(BlobKey key, long length, DateTimeOffset added)
    {
        var old = Find(key);
        if (Entries + (old is null ? 1 : 0) > _maxEntries || length > _maxBytes - (_bytes - (old?.Entry.Length ?? 0)))
            return null;
        var entry = new OutboxEntry(key, ++LastNumber, length, added);
        Set(key, old, new OutboxItem(entry, null));
        return entry;
    }

    public bool Remove(OutboxEntry entry)
    {
        if (Find(entry.Key) is not { } item || item.Entry.Number != entry.Number)
            return false;
        Set(entry.Key, item, null);
        return true;
    }

    public bool Park(OutboxEntry entry, string reason)
    {
        if (Find(entry.Key) is not { } item || item.Entry.Number != entry.Number)
            return false;
        Set(entry.Key, item, item with { Reason = reason.Length <= MaxReasonLength ? reason : string.Concat(reason.AsSpan(0, MaxReasonLength - 1), "…") });
        return true;
    }

    public int Release()
    {
        var parked = _picture.List(parked: true, long.MinValue, int.MaxValue).Select(i => i.Entry.Key).Concat(_changes.Keys).Distinct()
            .Select(Find).OfType<OutboxItem>().Where(i => i.IsParked).ToList();
        foreach (var item in parked)
            Set(item.Entry.Key, item, item with { Reason = null });
        return parked.Count;
    }

    private OutboxItem? Find(BlobKey key) => _changes.TryGetValue(key, out var changed) ? changed : _picture.Find(key);

    private void Set(BlobKey key, OutboxItem? old, OutboxItem? item)
    {
        Entries += (item is null ? 0 : 1) - (old is null ? 0 : 1);
        _bytes += (item?.Entry.Length ?? 0) - (old?.Entry.Length ?? 0);
        _changes[key] = item;
    }
}
