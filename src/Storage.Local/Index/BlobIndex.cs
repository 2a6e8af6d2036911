namespace EdgeCache.Storage.Local.Index;

/// <summary>
/// Where every blob of the store is. 256 independent tables, each with its lock; a key's table is chosen by the top byte of the hash's high half, its
/// slot by the low half, so the two say nothing of each other. Look-ups take no lock, and nothing but growth and <see cref="CopyShard"/> allocates.
/// </summary>
/// <remarks>
/// Shards fill alike, so tables of one size would all grow in the same moment: they start at different sizes, spread over one growth step. Then at any
/// count a few shards have just grown and a few are full, and memory follows the count closely.
/// </remarks>
internal sealed class BlobIndex
{
    public const int ShardCount = 256;
    private const int SmallestTable = 16;
    private readonly NamespaceTotals _totals = new();
    private readonly IndexShard[] _shards = new IndexShard[ShardCount];

    public BlobIndex()
    {
        for (var i = 0; i < ShardCount; i++)
            _shards[i] = new IndexShard(SmallestTable + ((SmallestTable / 2) * i / ShardCount), _totals);
    }

    /// <summary>How many entries there are. Exact when nobody changes the index.</summary>
    public long Count
    {
        get
        {
            var count = 0L;
            foreach (var shard in _shards)
                count += shard.Count;
            return count;
        }
    }

    public static int ShardOf(KeyHash hash) => (int)(hash.High >> 56);

    /// <summary>Bytes of disk of a namespace's blobs.</summary>
    public long BytesOf(ushort namespaceId) => _totals[namespaceId];

    public bool TryGet(KeyHash hash, out IndexEntry entry) => Shard(hash).TryGet(hash, out entry);

    /// <summary>As <see cref="TryGet"/>, and notes that somebody asked: raises the entry's frequency. The entry is as it is after that.</summary>
    public bool TryGetAndTouch(KeyHash hash, out IndexEntry entry) => Shard(hash).TryGetAndTouch(hash, out entry);

    /// <summary>Puts an entry in the place of what its key had.</summary>
    /// <returns>What it replaced.</returns>
    public IndexEntry? Set(IndexEntry entry) =>
        entry.IsValid ? Shard(entry.Hash).Set(entry) : throw new ArgumentException("An index entry has a length, and a frequency of at most 3.", nameof(entry));

    /// <summary>Removes a key's entry if it still points to this record: whoever decided to remove it may have been overtaken by a write or a move.</summary>
    /// <param name="hash">The key's hash.</param>
    /// <param name="segment">Where the entry must point.</param>
    /// <param name="offset">Where in the segment.</param>
    /// <param name="removed">The entry that was removed; else the one that stays, or none.</param>
    public bool Remove(KeyHash hash, uint segment, uint offset, out IndexEntry removed) => Shard(hash).Remove(hash, segment, offset, out removed);

    /// <summary>Changes a key's entry if it still points to this record. A record never moves within its segment and ids are never used again, so the same place is the same record.</summary>
    public bool TryUpdate<TChange>(KeyHash hash, uint segment, uint offset, scoped TChange change)
        where TChange : struct, IEntryChange, allows ref struct =>
        Shard(hash).TryUpdate(hash, segment, offset, ref change);

    /// <summary>The entries of one shard as of one moment. All shards one after the other are not one moment.</summary>
    public ShardCopy CopyShard(int shard) => ShardCopy.Of(_shards[shard]);

    /// <summary>Removes everything that is there when its shard's turn comes.</summary>
    public void Clear()
    {
        foreach (var shard in _shards)
            shard.Clear();
    }

    /// <summary>Adds entries of a snapshot to their shard; false when a key is there already.</summary>
    /// <param name="shard">The shard of every one of them.</param>
    /// <param name="entries">Valid entries.</param>
    /// <param name="expected">How many the shard will have, to make room at once.</param>
    internal bool TryLoad(int shard, ReadOnlySpan<IndexEntry> entries, int expected) => _shards[shard].TryLoad(entries, expected);

    private IndexShard Shard(KeyHash hash) => _shards[ShardOf(hash)];
}
