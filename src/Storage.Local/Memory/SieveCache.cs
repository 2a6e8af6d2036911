using System.Collections.Concurrent;
using EdgeCache.Storage.Local.Index;

namespace EdgeCache.Storage.Local.Memory;

/// <summary>Something kept in memory for one entry of the index.</summary>
/// <param name="entry">The entry. Hash, segment and offset name one record for ever, so what is kept for it can't be taken for anything that comes later.</param>
/// <param name="cost">What it counts in the cache's budget, more than 0.</param>
internal abstract class CacheNode(in IndexEntry entry, long cost)
{
    private readonly uint _segment = entry.Segment;
    private readonly uint _offset = entry.Offset;

    public KeyHash Hash { get; } = entry.Hash;

    public long Cost { get; } = cost;

    /// <summary>Whether it was asked for since the hand last came by. Written without a lock: a lost note costs a miss at worst.</summary>
    public bool IsVisited { get; set; }

    // The queue, protected by its cache's lock.
    internal CacheNode? Newer { get; set; }

    internal CacheNode? Older { get; set; }

    public bool IsOf(in IndexEntry entry) => entry.IsAt(_segment, _offset);

    /// <summary>The cache has given it up. Called once, without any lock.</summary>
    public virtual void OnRemoved()
    {
    }
}

/// <summary>
/// A bounded cache with SIEVE eviction (Zhang et al., NSDI 2024). A hit sets a bit and moves nothing, so it takes no lock, where LRU would take one for every hit; and
/// what is new and not asked for again is the first to go, where with LRU it would push out all that is older.
/// </summary>
/// <remarks>
/// The index is asked first, always; this is only asked for the very record that the index points to. So an entry of a blob that was replaced, deleted or evicted can't be
/// found any more, however long it stays.
/// </remarks>
/// <param name="budget">Most that the costs of all nodes add up to.</param>
internal sealed class SieveCache<T>(long budget)
    where T : CacheNode
{
    /// <summary>A node that takes more than this part of the budget would push out too much.</summary>
    private const int LargestPart = 8;

    private readonly ConcurrentDictionary<KeyHash, T> _nodes = new();

    // Protects the queue, the numbers, and every change of the dictionary. Taken last and alone; look-ups don't take it.
    private readonly Lock _lock = new();
    private CacheNode? _newest;
    private CacheNode? _oldest;
    private CacheNode? _hand;
    private long _used;
    private long _count;
    private long _evictions;
    private bool _isClosed;

    /// <summary>What the nodes cost.</summary>
    public long Used => Volatile.Read(ref _used);

    public long Count => Volatile.Read(ref _count);

    /// <summary>Nodes that went because others needed the room.</summary>
    public long Evictions => Volatile.Read(ref _evictions);

    /// <summary>What is kept for exactly this record; null for nothing.</summary>
    public T? Find(in IndexEntry entry)
    {
        if (!_nodes.TryGetValue(entry.Hash, out var node) || !node.IsOf(entry))
            return null;
        // Written once and not at every hit: cores that share a hot node need not take its cache line from each other.
        if (!node.IsVisited)
            node.IsVisited = true;
        return node;
    }

    /// <summary>Whether a node of this cost may be added at all.</summary>
    public bool Fits(long cost) => cost <= budget / LargestPart;

    /// <summary>Puts a node in the place of what its key had; false where it does not fit.</summary>
    public bool TryAdd(T node)
    {
        if (!Fits(node.Cost))
            return false;
        CacheNode? gone = null;
        lock (_lock)
        {
            if (_isClosed)
                return false;
            if (_nodes.TryGetValue(node.Hash, out var before))
                Remove(before, ref gone);
            while (_used + node.Cost > budget)
                Evict(ref gone);
            Append(node);
        }
        Part(gone);
        return true;
    }

    /// <summary>Gives up what is kept for a key.</summary>
    public void Remove(KeyHash hash)
    {
        if (!_nodes.ContainsKey(hash))
            return;
        CacheNode? gone = null;
        lock (_lock)
        {
            if (_nodes.TryGetValue(hash, out var node))
                Remove(node, ref gone);
        }
        Part(gone);
    }

    /// <summary>Gives up everything, and takes nothing more.</summary>
    public void Close()
    {
        CacheNode? gone = null;
        lock (_lock)
        {
            _isClosed = true;
            while (_oldest is { } node)
                Remove(node, ref gone);
        }
        Part(gone);
    }

    /// <summary>Tells those that were taken out, which are chained. Closing a file may take a while, so not under the lock.</summary>
    private static void Part(CacheNode? gone)
    {
        while (gone is { } node)
        {
            gone = node.Older;
            node.Older = null;
            node.OnRemoved();
        }
    }

    private void Append(T node)
    {
        _nodes[node.Hash] = node;
        node.Older = _newest;
        if (_newest is not null)
            _newest.Newer = node;
        _newest = node;
        _oldest ??= node;
        _used += node.Cost;
        _count++;
    }

    /// <summary>Takes out the first node from the hand on that nobody asked for since the hand came by; those that were asked for stay where they are.</summary>
    private void Evict(ref CacheNode? gone)
    {
        var node = _hand ?? _oldest;
        while (node is { IsVisited: true })
        {
            node.IsVisited = false;
            node = node.Newer ?? _oldest;
        }
        _hand = node;
        Remove(node!, ref gone);
        _evictions++;
    }

    private void Remove(CacheNode node, ref CacheNode? gone)
    {
        _nodes.TryRemove(node.Hash, out _);
        if (_hand == node)
            _hand = node.Newer;
        if (node.Newer is { } newer)
            newer.Older = node.Older;
        else
            _newest = node.Older;
        if (node.Older is { } older)
            older.Newer = node.Newer;
        else
            _oldest = node.Newer;
        node.Newer = null;
        node.Older = gone;
        gone = node;
        _used -= node.Cost;
        _count--;
    }
}
