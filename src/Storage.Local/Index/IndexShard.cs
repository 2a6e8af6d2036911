namespace EdgeCache.Storage.Local.Index;

/// <summary>One of the index's tables, with its lock.</summary>
/// <remarks>
/// The lock protects the table. It is taken last and alone: no other lock, and no wait, below it; the totals beside it are lock-free.
/// Look-ups read without it and take it only when a writer came between.
/// </remarks>
internal sealed class IndexShard(int initialCapacity, NamespaceTotals totals)
{
    private readonly VersionLock _lock = new();
    private readonly SlotTable _table = new(initialCapacity);

    /// <summary>Read without the lock: a number of a moment ago either way.</summary>
    public int Count => _table.Count;

    public bool TryGet(KeyHash hash, out IndexEntry entry)
    {
        if (_lock.TryBeginRead(out var version))
        {
            var isFound = _table.TryGet(hash, out entry);
            if (_lock.IsUnchanged(version))
                return isFound;
        }
        using (_lock.EnterRead())
            return _table.TryGet(hash, out entry);
    }

    public bool TryGetAndTouch(KeyHash hash, out IndexEntry entry)
    {
        if (!TryGet(hash, out entry))
            return false;
        // What is asked for often has the highest frequency already, and needs no lock.
        if (entry.Frequency >= IndexEntry.MaxFrequency)
            return true;
        using (_lock.EnterWrite())
        {
            var slot = _table.Find(hash);
            if (slot < 0)
            {
                entry = default;
                return false;
            }
            ref var found = ref _table[slot];
            if (found.Frequency < IndexEntry.MaxFrequency)
                found.Frequency++;
            entry = found;
            return true;
        }
    }

    public IndexEntry? Set(IndexEntry entry)
    {
        using (_lock.EnterWrite())
        {
            var slot = _table.Find(entry.Hash);
            if (slot < 0)
            {
                _table.Add(entry);
                totals.Add(entry.NamespaceId, entry.Bytes);
                return null;
            }
            var replaced = _table[slot];
            _table[slot] = entry;
            Exchange(replaced, entry);
            return replaced;
        }
    }

    public bool Remove(KeyHash hash, uint segment, uint offset, out IndexEntry removed)
    {
        using (_lock.EnterWrite())
        {
            var slot = _table.Find(hash);
            removed = slot < 0 ? default : _table[slot];
            if (slot < 0 || !removed.IsAt(segment, offset))
                return false;
            _table.RemoveAt(slot);
            totals.Add(removed.NamespaceId, -removed.Bytes);
            return true;
        }
    }

    public bool TryUpdate<TChange>(KeyHash hash, uint segment, uint offset, scoped ref TChange change)
        where TChange : struct, IEntryChange, allows ref struct
    {
        using (_lock.EnterWrite())
        {
            var slot = _table.Find(hash);
            if (slot < 0 || !_table[slot].IsAt(segment, offset))
                return false;
            var before = _table[slot];
            var after = before;
            change.Apply(ref after);
            if (after.Hash != hash || !after.IsValid)
                throw new InvalidOperationException("A change of an index entry must keep its hash and leave it valid.");
            _table[slot] = after;
            Exchange(before, after);
            return true;
        }
    }

    /// <summary>Adds entries of a snapshot; false when one is there already.</summary>
    public bool TryLoad(ReadOnlySpan<IndexEntry> entries, int expected)
    {
        using (_lock.EnterWrite())
        {
            _table.Reserve(expected);
            foreach (ref readonly var entry in entries)
            {
                if (_table.Find(entry.Hash) >= 0)
                    return false;
                // What the process before found good may have been damaged since.
                var loaded = entry;
                loaded.Flags &= ~EntryFlags.Verified;
                _table.Add(loaded);
                totals.Add(entry.NamespaceId, entry.Bytes);
            }
            return true;
        }
    }

    /// <summary>Copies every entry as of one moment; -1 when the room is too small.</summary>
    public int CopyTo(Span<IndexEntry> room)
    {
        using (_lock.EnterRead())
        {
            if (_table.Count > room.Length)
                return -1;
            var count = 0;
            foreach (ref readonly var entry in _table.Slots)
            {
                if (entry.Length != 0)
                    room[count++] = entry;
            }
            return count;
        }
    }

    public void Clear()
    {
        using (_lock.EnterWrite())
        {
            // One by one: the totals also count the other shards.
            foreach (ref readonly var entry in _table.Slots)
            {
                if (entry.Length != 0)
                    totals.Add(entry.NamespaceId, -entry.Bytes);
            }
            _table.Clear();
        }
    }

    private void Exchange(IndexEntry before, IndexEntry after)
    {
        if (before.NamespaceId == after.NamespaceId)
        {
            if (before.Bytes != after.Bytes)
                totals.Add(after.NamespaceId, after.Bytes - before.Bytes);
            return;
        }
        totals.Add(before.NamespaceId, -before.Bytes);
        totals.Add(after.NamespaceId, after.Bytes);
    }
}
