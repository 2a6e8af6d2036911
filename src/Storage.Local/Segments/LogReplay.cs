using EdgeCache.Storage.Local.Index;

namespace EdgeCache.Storage.Local.Segments;

/// <summary>
/// Applies records to the index, whatever their order: of two of one key, the one with the larger generation counts, and of two copies of one record the younger,
/// because only that one was marked if the key was deleted later. A record that loses is marked dead, so that no later rebuild finds it alone.
/// </summary>
internal sealed class LogReplay(BlobIndex index, SegmentSet segments, Func<ScannedRecord, IndexEntry?> entryOf)
{
    private readonly Dictionary<KeyHash, Version> _best = [];

    /// <summary>The largest generation that was seen.</summary>
    public long LastGeneration { get; private set; }

    public void Take(ScannedRecord record)
    {
        var header = record.Header;
        LastGeneration = Math.Max(LastGeneration, header.Generation);
        var version = new Version(header.Generation, record.Location);
        if (!_best.TryGetValue(header.Hash, out var best) && TryReadKnown(header.Hash, out var known))
            best = known;
        if (!version.IsNewerThan(best))
        {
            if (!header.Dead && best.Location != record.Location)
                segments.Find(record.Location.Segment)?.MarkDead(record.Location.Offset);
            return;
        }
        IndexEntry? entry = header.Dead ? null : entryOf(record);
        if (!header.Dead && entry is null)
        {
            // Its file never came to be, or was taken back: the write failed, and what the key had before is what it has. Not marked dead, because that would say that the
            // key was deleted after what it had before.
            return;
        }
        if (best.Generation > 0)
            segments.Find(best.Location.Segment)?.MarkDead(best.Location.Offset);
        _best[header.Hash] = version;
        if (entry is { } live)
            index.Set(live);
        else if (index.TryGet(header.Hash, out var old))
            index.Remove(header.Hash, old.Segment, old.Offset, out _);
    }

    /// <summary>What the snapshot had for the key; nothing, if it can't be read or was deleted since.</summary>
    private bool TryReadKnown(KeyHash hash, out Version version)
    {
        version = default;
        if (!index.TryGet(hash, out var entry))
            return false;
        if (RecordReader.ReadMetadata(segments, entry, out var header, out _) != RecordVerdict.Good)
            return false;
        version = new Version(header.Generation, new RecordLocation(entry.Segment, entry.ByteOffset));
        return true;
    }

    private readonly record struct Version(long Generation, RecordLocation Location)
    {
        public bool IsNewerThan(Version other) =>
            (Generation, Location.Segment, Location.Offset).CompareTo((other.Generation, other.Location.Segment, other.Location.Offset)) > 0;
    }
}
