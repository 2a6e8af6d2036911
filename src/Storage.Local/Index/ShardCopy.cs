using System.Buffers;

namespace EdgeCache.Storage.Local.Index;

/// <summary>The entries of one shard as of one moment, in a rented buffer. Dispose it once.</summary>
internal readonly ref struct ShardCopy
{
    private readonly IndexEntry[] _rented;
    private readonly int _count;

    private ShardCopy(IndexEntry[] rented, int count)
    {
        _rented = rented;
        _count = count;
    }

    public Span<IndexEntry> Entries => _rented.AsSpan(0, _count);

    public static ShardCopy Of(IndexShard shard)
    {
        while (true)
        {
            // Rented outside the lock, with some room for what is added meanwhile.
            var rented = ArrayPool<IndexEntry>.Shared.Rent(shard.Count + (shard.Count / 8) + 1);
            var count = shard.CopyTo(rented);
            if (count >= 0)
                return new ShardCopy(rented, count);
            ArrayPool<IndexEntry>.Shared.Return(rented);
        }
    }

    public void Dispose() => ArrayPool<IndexEntry>.Shared.Return(_rented);
}
