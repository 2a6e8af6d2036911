using EdgeCache.Storage.Local.Index;
using EdgeCache.Storage.Local.Segments;

namespace EdgeCache.Storage.Local;

/// <content>Blobs that must not go, because nobody else has them yet.</content>
/// <remarks>
/// Whether a blob is pinned is asked under its key's lock, in the same step as the eviction. Whoever pins a blob does so before he writes it: then either the write finds that it was evicted, or
/// the eviction finds that it is pinned.
/// </remarks>
public sealed partial class LocalStore
{
    private bool MayBePinned => _options.IsPinned is not null;

    private bool IsPinned(BlobKey key) => _options.IsPinned?.Invoke(key) == true;

    /// <summary>Counts pinned blobs of a segment as asked for, so that it is known how much of it has to be copied. Reads the records that nobody asked for.</summary>
    private List<IndexEntry> CountPinned(List<IndexEntry> entries) => !MayBePinned ? entries : entries.ConvertAll(entry =>
    {
        if (entry.Frequency > 0 || RecordReader.ReadMetadata(_segments, entry, out _, out var metadata) != RecordVerdict.Good || !IsPinned(metadata!.Key))
            return entry;
        _index.TryUpdate(entry.Hash, entry.Segment, entry.Offset, default(CountPinned));
        default(CountPinned).Apply(ref entry);
        return entry;
    });
}
