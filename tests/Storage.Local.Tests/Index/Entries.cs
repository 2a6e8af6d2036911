using EdgeCache.Storage.Local.Index;

namespace EdgeCache.Storage.Local.Tests.Index;

/// <summary>Entries for tests. Their fields belong together, so that one put together from two is seen.</summary>
internal static class Entries
{
    public static IndexEntry Of(KeyHash hash, uint version)
    {
        var mix = unchecked(((uint)hash.Low ^ (uint)hash.High ^ version) * 2654435761);
        return new IndexEntry
        {
            Hash = hash,
            Segment = version,
            Offset = mix,
            Length = (mix >> 8) | 1,
            Created = mix ^ 0x5555_5555,
            Tick = ~mix,
            NamespaceId = (ushort)((mix >> 4) % 1000),
            Flags = (EntryFlags)(mix & 3),
        };
    }

    /// <summary>Whether it is an entry that <see cref="Of"/> made, but for the frequency.</summary>
    public static bool IsWhole(IndexEntry entry)
    {
        entry.Frequency = 0;
        return AreSame(entry, Of(entry.Hash, entry.Segment));
    }

    public static bool AreSame(IndexEntry a, IndexEntry b) => Bytes(ref a).SequenceEqual(Bytes(ref b));

    public static KeyHash Random(Random random) => new((ulong)random.NextInt64(long.MinValue, long.MaxValue), (ulong)random.NextInt64(long.MinValue, long.MaxValue));

    public static List<IndexEntry> AllOf(BlobIndex index)
    {
        var all = new List<IndexEntry>();
        for (var shard = 0; shard < BlobIndex.ShardCount; shard++)
        {
            using var copy = index.CopyShard(shard);
            all.AddRange(copy.Entries);
        }
        return all;
    }

    private static ReadOnlySpan<byte> Bytes(ref IndexEntry entry) =>
        System.Runtime.InteropServices.MemoryMarshal.AsBytes(System.Runtime.InteropServices.MemoryMarshal.CreateReadOnlySpan(ref entry, 1));
}
