using EdgeCache.Storage.Local.Index;
using EdgeCache.Storage.Local.Memory;
using EdgeCache.Storage.Local.Segments;

namespace EdgeCache.Storage.Local;

/// <content>Blobs in the log that are too long for the memory tier, and have been found good: their payload is read, or sent, straight from the segment.</content>
public sealed partial class LocalStore
{
    /// <summary>Bytes for the headers of records that are asked for often: some thousands.</summary>
    private const long KnownRecordBytes = 4 << 20;

    private readonly SieveCache<KnownRecord> _records = new(KnownRecordBytes);

    /// <summary>Opens such a record, if that takes no wait and its header is as it should be.</summary>
    private RecordFileReader? TryOpenRecordNow(BlobKey key, in IndexEntry entry)
    {
        if (_records.Find(entry) is { } known && known.Metadata.Key == key && known.Segment.TryAddUser())
            return new RecordFileReader(this, known.Segment, entry, known.Metadata, known.Start);
        if (!RecordReader.TryOpenNow(this, _segments, entry, out var reader))
            return null;
        if (reader!.Metadata.Key != key)
        {
            reader.Dispose();
            return null;
        }
        if (entry.Frequency >= HotFrequency && _records.TryAdd(reader.ToKnown()) && !IsCurrent(entry))
            _records.Remove(entry.Hash);
        return reader;
    }
}
