using System.Collections.Concurrent;
using EdgeCache.Storage.Local.Index;

namespace EdgeCache.Storage.Local.Segments;

/// <summary>
/// Applies records to the index, whatever their order: of two of one key, the one with the larger generation counts, and of two copies of one record the younger,
/// because only that one was marked if the key was deleted later. A record that loses is marked dead, so that no later rebuild finds it alone.
/// </summary>
/// <remarks>
/// One thread at a time, and each record under its key's lock where the store serves meanwhile. What this process has written or given up for a key is newer than
/// everything that a replay comes by.
/// </remarks>
/// <param name="index">The index.</param>
/// <param name="segments">The segments.</param>
/// <param name="entryOf">Makes a record's entry; null when the file that it stands for is not there.</param>
/// <param name="account">Told of the bytes by which the files of large blobs in the index become more or less.</param>
internal sealed class LogReplay(BlobIndex index, SegmentSet segments, Func<ScannedRecord, IndexEntry?> entryOf, Action<long> account)
{
    // What the index can't say: the keys whose newest record so far is dead. A live one's generation is in its record.
    private readonly Dictionary<KeyHash, Version> _dead = [];

    // Keys that were taken out of the index while the replay ran. Few: only what is damaged.
    private readonly ConcurrentDictionary<KeyHash, byte> _gone = new();

    /// <summary>Records that were seen.</summary>
    public long Records { get; private set; }

    /// <summary>Segments with larger ids are of this process.</summary>
    public uint LastSegment { get; init; } = uint.MaxValue;

    /// <summary>The generation at the start: what this process writes has larger ones.</summary>
    public long FirstGeneration { get; init; } = long.MaxValue;

    /// <summary>To be called before a key's entry is taken out of the index for being damaged: what it superseded must not come in its place.</summary>
    public void NoteGone(KeyHash hash) => _gone[hash] = 0;

    public void Take(ScannedRecord record)
    {
        var header = record.Header;
        Records++;
        var isKnown = index.TryGet(header.Hash, out var known);
        if (_gone.ContainsKey(header.Hash) || (isKnown && known.Segment > LastSegment))
        {
            PassOver(record);
            return;
        }
        var version = new Version(header.Generation, record.Location);
        if (!_dead.TryGetValue(header.Hash, out var best) && isKnown)
            best = ReadVersion(known);
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
        Apply(header.Hash, version, entry, isKnown ? known : null);
    }

    private void Apply(KeyHash hash, Version version, IndexEntry? entry, IndexEntry? known)
    {
        if (entry is { } live)
        {
            _dead.Remove(hash);
            var replaced = index.Set(live);
            Account(live, 1);
            if (replaced is { } before)
                Account(before, -1);
            return;
        }
        _dead[hash] = version;
        if (known is { } old && index.Remove(hash, old.Segment, old.Offset, out var removed))
            Account(removed, -1);
    }

    /// <summary>A record of a key that has something newer, or is known to have nothing.</summary>
    private void PassOver(ScannedRecord record)
    {
        var segment = segments.Find(record.Location.Segment);
        if (record.Header.Generation > FirstGeneration)
        {
            // Only when the clock was set back: it would count for more than what was written after it, so it must be as if it had never been.
            segment?.AddStrays([record.Location.Offset]);
        }
        else if (!record.Header.Dead)
        {
            segment?.MarkDead(record.Location.Offset);
        }
    }

    private void Account(in IndexEntry entry, int sign)
    {
        segments.Find(entry.Segment)?.AddLive(sign * entry.Bytes);
        if (entry.IsLarge)
            account(sign * entry.Bytes);
    }

    /// <summary>The version of what the index has; none, if it can't be read or was deleted since the snapshot.</summary>
    private Version ReadVersion(in IndexEntry entry) =>
        RecordReader.ReadMetadata(segments, entry, out var header, out _) == RecordVerdict.Good
            ? new Version(header.Generation, new RecordLocation(entry.Segment, entry.ByteOffset))
            : default;

    private readonly record struct Version(long Generation, RecordLocation Location)
    {
        public bool IsNewerThan(Version other) =>
            (Generation, Location.Segment, Location.Offset).CompareTo((other.Generation, other.Location.Segment, other.Location.Offset)) > 0;
    }
}
