using System.Numerics;
using System.Runtime.CompilerServices;

namespace EdgeCache.Edge.Limits;

/// <summary>
/// What is kept in mind of clients, in memory of a fixed size: however many there are, nothing grows. The places are divided into sets of eight, and a client can be in one
/// set only. When its set is full, it takes the place of whoever has least to lose: somebody whose buckets are full again loses nothing at all by being forgotten, which is also
/// why nobody has to clear up. Under attack from many addresses those with a debt or a bad name stay.
/// </summary>
internal sealed class LimitTable
{
    private const int Ways = 8;
    private const int Stripes = 64;

    /// <summary>What a bad name is worth when a place is sought, in nanoseconds.</summary>
    private const long WorthOfDemerits = 60_000_000_000;

    private readonly ClientSlot[] _slots;
    private readonly int _mask;

    // Each protects who is in the places of its sets; not what is kept of them. None is taken while another is held.
    private readonly Lock[] _placing = [.. Enumerable.Range(0, Stripes).Select(_ => new Lock())];
    private long _replaced;

    /// <summary>Makes a table for at least so many.</summary>
    public LimitTable(int capacity)
    {
        var sets = (int)BitOperations.RoundUpToPowerOf2((uint)Math.Max(1, capacity / Ways));
        _mask = sets - 1;
        _slots = GC.AllocateArray<ClientSlot>(sets * Ways, pinned: false);
    }

    public int Capacity => _slots.Length;

    /// <summary>Clients that had something to lose and lost it.</summary>
    public long Replaced => Volatile.Read(ref _replaced);

    /// <summary>What is known of a client, which is put into the table if it is not there. It may lose its place at any time: what is written to it then is the next one's, and that
    /// is bearable, because it takes an attack to come about and is about one request.</summary>
    public ref ClientSlot GetOrAdd(ulong id, long now)
    {
        var set = SetOf(id);
        ref var found = ref FindIn(set, id);
        if (Unsafe.IsNullRef(ref found))
            return ref Add(set, id, now);
        return ref found;
    }

    /// <summary>What is known of a client; a null reference when nothing is.</summary>
    public ref ClientSlot Find(ulong id) => ref FindIn(SetOf(id), id);

    /// <summary>Everybody who is in the table, for a look. Goes over all of it.</summary>
    public IEnumerable<ClientSlot> All()
    {
        for (var i = 0; i < _slots.Length; i++)
        {
            if (_slots[i].Id != 0)
                yield return _slots[i];
        }
    }

    /// <summary>Clients of whom there is something to be kept in mind.</summary>
    public int Count(long now)
    {
        var count = 0;
        foreach (ref readonly var slot in _slots.AsSpan())
        {
            if (slot.Id != 0 && Worth(slot, now) > now)
                count++;
        }
        return count;
    }

    /// <summary>Forgets everybody's demerits.</summary>
    public void Forgive()
    {
        foreach (ref var slot in _slots.AsSpan())
            Volatile.Write(ref slot.Demerits, 0);
    }

    private static long Worth(in ClientSlot slot, long now)
    {
        var worth = Math.Max(slot.Requests, Math.Max(slot.Attempts, slot.Bytes));
        return Demerits.AreAny(slot.Demerits) ? Math.Max(worth, now) + WorthOfDemerits : worth;
    }

    private int SetOf(ulong id) => (int)KeyedHash.Of(id, 0) & _mask;

    private ref ClientSlot FindIn(int set, ulong id)
    {
        var slots = _slots.AsSpan(set * Ways, Ways);
        for (var i = 0; i < slots.Length; i++)
        {
            if (Volatile.Read(ref slots[i].Id) == id)
                return ref slots[i];
        }
        return ref Unsafe.NullRef<ClientSlot>();
    }

    private ref ClientSlot Add(int set, ulong id, long now)
    {
        lock (_placing[set % Stripes])
        {
            ref var found = ref FindIn(set, id);
            if (!Unsafe.IsNullRef(ref found))
                return ref found;
            ref var place = ref LeastOf(_slots.AsSpan(set * Ways, Ways), now);
            if (place.Id != 0 && Worth(place, now) > now)
                Interlocked.Increment(ref _replaced);

            // Nobody finds the place until it is clean.
            Volatile.Write(ref place.Id, 0);
            place.Requests = place.Attempts = place.Bytes = place.Demerits = 0;
            place.LastWrong = 0;
            Volatile.Write(ref place.Id, id);
            return ref place;
        }
    }

    private static ref ClientSlot LeastOf(Span<ClientSlot> slots, long now)
    {
        var least = 0;
        var leastWorth = long.MaxValue;
        for (var i = 0; i < slots.Length; i++)
        {
            if (slots[i].Id == 0)
                return ref slots[i];
            if (Worth(slots[i], now) is var worth && worth < leastWorth)
                (least, leastWorth) = (i, worth);
        }
        return ref slots[least];
    }
}
