using EdgeCache.Storage.Local.Index;
using EdgeCache.Storage.Local.Segments;

namespace EdgeCache.Storage.Local.Listing;

/// <summary>
/// Brings the side table up to the log. Afterwards every blob that the index had when it began, and has still, has a row with what the index's record says.
/// </summary>
/// <remarks>
/// Why no row is missing. The lengths of the segments are taken first, then all changes of keys that are under way are waited for: from then on, every record before these
/// lengths is in the index, or never will be. A key's place only ever goes on to what was appended later. So when the scan comes by a record and the index points
/// elsewhere, either that is within the lengths, and the scan comes by it or came by it when the index pointed there already; or it was moved or written since, and the row is made
/// of what the index points to now. A segment that is removed before it was scanned has had its blobs moved behind the lengths: then another pass follows. The index decides
/// and not the records, because a record may be one of a write that failed.
/// </remarks>
internal sealed class LogLister(SegmentSet segments, BlobIndex index, HashSecret secret, Func<BlobKey, (IndexEntry Entry, BlobMetadata Metadata)?> find)
{
    /// <summary>Rows of removed segments that are looked at in one transaction.</summary>
    private const int RowsAtOnce = 1000;

    /// <summary>The segments as they are, each with its length. Whoever asks then waits for the changes that are under way.</summary>
    public Dictionary<uint, (Segment Segment, long Length)> TakeLengths() => segments.List().ToDictionary(s => s.Id, s => (s, s.Length));

    /// <summary>Reads on in a segment, up to the length it had.</summary>
    /// <returns>False when it has been removed meanwhile.</returns>
    public bool Read(ListingDatabase database, Segment segment, Dictionary<uint, (Segment Segment, long Length)> lengths, CancellationToken cancellationToken)
    {
        var end = lengths[segment.Id].Length;
        var mark = database.MarkOf(segment.Id);
        try
        {
            database.Atomically(() =>
            {
                var last = (mark.LastOffset, mark.LastRecord);
                SegmentScanner.Scan(segment, mark.Position, secret, record =>
                {
                    cancellationToken.ThrowIfCancellationRequested();
                    if (record.Location.Offset + record.Header.Length > end)
                        return;
                    last = (record.Location.Offset, HeaderOf(record.Header));
                    Take(database, record, lengths);
                });
                database.SetMark(segment.Id, new SegmentMark(end, last.LastOffset, last.LastRecord));
            });
            return true;
        }
        catch (ObjectDisposedException) when (segments.Find(segment.Id) is null)
        {
            return false;
        }
    }

    /// <summary>Forgets some of what was read from a segment that has been removed; true when there is more. What the index still has was moved, or had been written twice.</summary>
    public bool Forget(ListingDatabase database, uint segment)
    {
        var keys = database.KeysOf(segment, RowsAtOnce);
        database.Atomically(() =>
        {
            foreach (var key in keys)
            {
                if (find(key) is { } current && current.Entry.Segment != segment)
                    database.Set(current.Metadata, LocationOf(current.Entry));
                else
                    database.Remove(key);
            }
            if (keys.Count < RowsAtOnce)
                database.RemoveMark(segment);
        });
        return keys.Count == RowsAtOnce;
    }

    private void Take(ListingDatabase database, in ScannedRecord record, Dictionary<uint, (Segment Segment, long Length)> lengths)
    {
        if (!index.TryGet(record.Header.Hash, out var entry))
            return;
        if (entry.IsAt(record.Location.Segment, IndexEntry.ToUnits(record.Location.Offset)))
        {
            // Dead, and the index has it: deleted in this instant, or in a process before this one, after the index was written down.
            if (!record.Header.Dead)
                database.Set(record.Metadata, record.Location);
        }
        else if (!lengths.TryGetValue(entry.Segment, out var known) || entry.ByteOffset >= known.Length)
        {
            if (find(record.Metadata.Key) is { } current)
                database.Set(current.Metadata, LocationOf(current.Entry));
        }
    }

    private static RecordLocation LocationOf(in IndexEntry entry) => new(entry.Segment, entry.ByteOffset);

    private static byte[] HeaderOf(in RecordHeader header)
    {
        var bytes = new byte[RecordFormat.HeaderLength];
        RecordFormat.Write(bytes, header.Kind, header.Length, header.Hash, header.Generation);
        return bytes;
    }
}
