using EdgeCache.Storage.Local.Index;
using EdgeCache.Storage.Local.Segments;

namespace EdgeCache.Storage.Local.Memory;

/// <summary>
/// What the header of a record says and where its payload is, of a blob that is too long for the memory tier: what a reader would have to read and parse again at every hit. Does not
/// keep the segment open.
/// </summary>
internal sealed class KnownRecord(in IndexEntry entry, Segment segment, BlobMetadata metadata, long start) : CacheNode(entry, CachedBlob.Measure(metadata, 0))
{
    public Segment Segment { get; } = segment;

    public BlobMetadata Metadata { get; } = metadata;

    /// <summary>Where in the segment the payload begins.</summary>
    public long Start { get; } = start;
}
