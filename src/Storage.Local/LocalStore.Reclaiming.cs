using EdgeCache.Storage.Local.Index;
using EdgeCache.Storage.Local.Segments;
using Microsoft.Extensions.Logging;

namespace EdgeCache.Storage.Local;

/// <content>How segments are emptied.</content>
public sealed partial class LocalStore
{
    /// <summary>Records that are handled at a time: they share syncs.</summary>
    private const int RecordsAtOnce = 64;

    /// <summary>Beyond this share of what was asked for, copying costs too much for what it frees (docs/adr/0002-eviction.md).</summary>
    private const double StayShare = 0.75;

    /// <summary>About what a large blob's record takes: to copy it is not to copy its file.</summary>
    private const long LargeRecordGuess = 512;

    private readonly GhostTable _ghosts;

    /// <summary>
    /// Takes everything out of a segment and removes it. First what stays is copied and the files of what is evicted go, then the segment, and only then the
    /// index forgets the rest: at every moment a crash leaves each blob where the index, or a scan, finds it, or evicted.
    /// </summary>
    internal async ValueTask<EmptyResult> EmptyAsync(Segment segment, bool keepAll)
    {
        try
        {
            // A record is in the log an instant before it is in the index; those in between get there now.
            await _keyLocks.PassThroughAsync().ConfigureAwait(false);
            var entries = CountPinned(FindEntries(segment));
            if (!keepAll && entries.Where(e => e.Frequency > 0).Sum(e => e.IsLarge ? LargeRecordGuess : e.Length) > segment.Length * StayShare)
            {
                foreach (var entry in entries.Where(e => e.Frequency > 0))
                    _index.TryUpdate(entry.Hash, entry.Segment, entry.Offset, default(CountDown));
                return EmptyResult.Stays;
            }
            var alone = entries.Where(e => keepAll || e.Frequency > 0 || e.IsLarge || MayBePinned);
            await Parallel.ForEachAsync(alone, Limits, (entry, _) => MoveOrEvictAsync(segment, entry, keepAll)).ConfigureAwait(false);
            await _disk.RunAsync(() => RemoveSegment(segment, entries)).ConfigureAwait(false);
            return EmptyResult.Removed;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            LogNotReclaimed(error, segment.Id);
            return EmptyResult.Failed;
        }
    }

    private List<IndexEntry> FindEntries(Segment segment)
    {
        var found = new List<IndexEntry>();
        for (var shard = 0; shard < BlobIndex.ShardCount; shard++)
        {
            using var copy = _index.CopyShard(shard);
            foreach (ref readonly var entry in copy.Entries)
            {
                if (entry.Segment == segment.Id)
                    found.Add(entry);
            }
        }
        return found;
    }

    /// <summary>Copies a record to a younger segment, or evicts a large blob with its file. Under the key's lock, so that no write or delete comes between.</summary>
    private async ValueTask MoveOrEvictAsync(Segment segment, IndexEntry seen, bool keepAll)
    {
        var verdict = RecordReader.ReadMetadata(_segments, seen, out var header, out var metadata);
        if (verdict != RecordVerdict.Good)
            return;
        using var held = await _keyLocks.EnterAsync(metadata!.Key, CancellationToken.None).ConfigureAwait(false);
        if (!_index.TryGet(seen.Hash, out var entry) || !entry.IsAt(seen.Segment, seen.Offset))
            return;
        if (keepAll || entry.Frequency > 0 || IsPinned(metadata.Key))
            await CopyAsync(segment, entry, header.Length).ConfigureAwait(false);
        else if (!entry.IsLarge)
            await _disk.RunAsync(() => EvictRecord(entry)).ConfigureAwait(false);
        else
            await _disk.RunAsync(() => EvictFile(entry)).ConfigureAwait(false);
    }

    private async ValueTask CopyAsync(Segment segment, IndexEntry entry, int length)
    {
        var bytes = new byte[length];
        if (segment.File.Read(entry.ByteOffset, bytes) < length || !RecordFormat.TryRead(bytes, out var header) || header.Dead)
            return;
        // A blob that nobody asked for is only copied because its segment is nearly empty: it stays on probation.
        var queue = entry.Frequency > 0 ? SegmentClass.Main : segment.Class;
        var to = await _log.AppendAsync(queue, bytes, entry.IsLarge ? entry.Bytes : 0).ConfigureAwait(false);
        _space.AddUsed(length);
        var moved = entry;
        moved.Segment = to.Segment;
        moved.Offset = IndexEntry.ToUnits(to.Offset);
        moved.Frequency = (byte)Math.Max(0, entry.Frequency - 1);
        _index.Set(moved);
        // Should the segment stay after all, because the disk fails: a deletion marks the copy alone, and the copy's segment may be removed before this one.
        segment.MarkDead(entry.ByteOffset);
        segment.AddLive(-entry.Bytes);
        _segments.Find(to.Segment)?.AddLive(entry.Bytes);
    }

    private bool EvictFile(IndexEntry entry)
    {
        // First the mark, for good: a record without its file says nothing, and an older one of the key would count again.
        var file = PathOfFile(entry);
        MarkDeadForGood(entry);
        if (file is not null)
            _files.Delete(file);
        if (_index.Remove(entry.Hash, entry.Segment, entry.Offset, out var removed))
        {
            _ghosts.Add(entry.Hash);
            _evictions.Add(removed.NamespaceId, EvictionReason.Capacity);
            Release(removed);
        }
        return true;
    }

    private bool RemoveSegment(Segment segment, List<IndexEntry> entries)
    {
        _segments.Remove(segment);
        foreach (var entry in entries)
        {
            // What was copied points elsewhere by now, and what was written again too: only the evicted are still here.
            if (!_index.Remove(entry.Hash, entry.Segment, entry.Offset, out var removed))
                continue;
            _ghosts.Add(entry.Hash);
            _evictions.Add(removed.NamespaceId, EvictionReason.Capacity);
            if (removed.IsLarge)
                _space.AddUsed(-removed.Bytes);
        }
        _space.AddUsed(-segment.Length);
        return true;
    }

    [LoggerMessage(LogLevel.Warning, "Segment {Segment} could not be emptied; another is tried")]
    private partial void LogNotReclaimed(Exception error, uint segment);
}
