namespace EdgeCache.Storage.Local.Index;

/// <summary>
/// An open-addressing hash table of entries: robin hood hashing with backward-shift deletion, so there are no tombstones and a look-up of an absent
/// key ends early also when the table is nearly full. Not safe for concurrent use: the shard's lock protects it, but for <see cref="TryGet"/>.
/// </summary>
/// <remarks>
/// The slot is the high part of (half of the hash × capacity), so a capacity need not be a power of two: the table grows by half, to a load of 0.53,
/// where doubling would leave 0.4 and cost a third more memory. Entries stand in the order of their hashes, so growth and snapshots are sequential passes.
/// </remarks>
internal sealed class SlotTable(int initialCapacity)
{
    // Load of 4/5 at most, of 1/4 at least: an entry costs 50 to 160 bytes, and 75 right after growth.
    private const int FullNumerator = 4;
    private const int FullDenominator = 5;
    private const int SparseFactor = 4;
    private IndexEntry[] _slots = new IndexEntry[initialCapacity];

    public int Count { get; private set; }

    public ReadOnlySpan<IndexEntry> Slots => _slots;

    /// <summary>The entry in a slot. The reference is good until the next change.</summary>
    public ref IndexEntry this[int slot] => ref _slots[slot];

    /// <summary>
    /// The entry of a key. May run beside a change, and then gives anything, but ends and harms nothing: the array is one whole array throughout, entries
    /// hold no references, and no walk is longer than the table.
    /// </summary>
    public bool TryGet(KeyHash hash, out IndexEntry entry)
    {
        var slots = Volatile.Read(ref _slots);
        var slot = Find(slots, hash);
        entry = slot < 0 ? default : slots[slot];
        return slot >= 0;
    }

    /// <summary>The slot of a key, or -1.</summary>
    public int Find(KeyHash hash) => Find(_slots, hash);

    /// <summary>Adds an entry whose key is not in the table.</summary>
    public void Add(IndexEntry entry)
    {
        if (Count >= Limit(_slots.Length))
            Resize(_slots.Length + (_slots.Length / 2) + 1);
        Place(_slots, entry);
        Count++;
    }

    public void RemoveAt(int slot)
    {
        var slots = _slots;
        var next = Next(slot, slots.Length);
        while (slots[next].Length != 0 && Distance(slots[next].Hash, next, slots.Length) > 0)
        {
            slots[slot] = slots[next];
            slot = next;
            next = Next(next, slots.Length);
        }
        slots[slot] = default;
        Count--;
        if (slots.Length > initialCapacity && Count < slots.Length / SparseFactor)
            Resize(Math.Max(initialCapacity, slots.Length / 2));
    }

    /// <summary>Makes an empty table large enough for so many entries, and some more before it grows.</summary>
    public void Reserve(int count)
    {
        var capacity = (int)Math.Min(Array.MaxLength, count + (count / 2L));
        if (Count == 0 && capacity > _slots.Length)
            _slots = new IndexEntry[capacity];
    }

    public void Clear()
    {
        _slots = new IndexEntry[initialCapacity];
        Count = 0;
    }

    private void Resize(int capacity)
    {
        var slots = new IndexEntry[capacity];
        foreach (ref readonly var entry in _slots.AsSpan())
        {
            if (entry.Length != 0)
                Place(slots, entry);
        }
        _slots = slots;
    }

    private static int Find(IndexEntry[] slots, KeyHash hash)
    {
        var slot = Home(hash, slots.Length);
        for (var distance = 0; distance < slots.Length; distance++)
        {
            ref var entry = ref slots[slot];
            if (entry.Length == 0)
                return -1;
            if (entry.Hash.Low == hash.Low && entry.Hash.High == hash.High)
                return slot;
            // Ours would have pushed this one on, were it here.
            if (Distance(entry.Hash, slot, slots.Length) < distance)
                return -1;
            slot = Next(slot, slots.Length);
        }
        return -1;
    }

    /// <summary>Takes the first slot whose entry is nearer to its home than ours, and moves that entry on in the same way.</summary>
    private static void Place(IndexEntry[] slots, IndexEntry entry)
    {
        var slot = Home(entry.Hash, slots.Length);
        for (var distance = 0; ; distance++)
        {
            ref var there = ref slots[slot];
            if (there.Length == 0)
            {
                there = entry;
                return;
            }
            var theirs = Distance(there.Hash, slot, slots.Length);
            if (theirs < distance)
            {
                (there, entry) = (entry, there);
                distance = theirs;
            }
            slot = Next(slot, slots.Length);
        }
    }

    private static int Limit(int capacity) => (int)((long)capacity * FullNumerator / FullDenominator);

    private static int Home(KeyHash hash, int capacity) => (int)Math.BigMul(hash.Low, (ulong)capacity, out _);

    private static int Distance(KeyHash hash, int slot, int capacity)
    {
        var distance = slot - Home(hash, capacity);
        return distance < 0 ? distance + capacity : distance;
    }

    private static int Next(int slot, int capacity) => slot + 1 == capacity ? 0 : slot + 1;
}
