using System.Collections.Concurrent;
using EdgeCache.Storage.Local.Disk;
using EdgeCache.Storage.Local.Format;
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

    // Held while a segment is emptied, and by whoever needs a moment at which no record is being moved. Taken before any key's lock.
    private readonly SemaphoreSlim _moving = new(1, 1);

    /// <summary>Files of evicted blobs. They go when the marks in their records are synced: a record without its file says nothing, and an older one of the key would count again.</summary>
    private readonly ConcurrentQueue<EvictedFile> _evictedFiles = new();

    /// <summary>
    /// Takes everything out of a segment and removes it. First what stays is copied, then what is evicted is forgotten and marked, all marks are synced, and then the files of the
    /// evicted go and the segment: at every moment a crash leaves each blob where the index, or a scan, finds it, or evicted for good.
    /// </summary>
    internal async ValueTask<EmptyResult> EmptyAsync(Segment segment, bool keepAll)
    {
        await _moving.WaitAsync().ConfigureAwait(false);
        try
        {
            // Whoever was before this one had the same segment in mind.
            if (_segments.Find(segment.Id) != segment)
                return EmptyResult.Removed;
            // A record is in the log an instant before it is in the index; those in between get there now.
            await _keyLocks.PassThroughAsync().ConfigureAwait(false);
            var entries = CountPinned(await _disk.RunAsync(() => FindEntries(segment)).ConfigureAwait(false));
            if (!keepAll && entries.Where(e => e.Frequency > 0).Sum(e => e.IsLarge ? LargeRecordGuess : e.Length) > segment.Length * StayShare)
            {
                foreach (var entry in entries.Where(e => e.Frequency > 0))
                    _index.TryUpdate(entry.Hash, entry.Segment, entry.Offset, default(CountDown));
                return EmptyResult.Stays;
            }
            // Of two copies the one in the younger segment counts, so what is copied must not go to an older one.
            await _log.SealAllAsync(olderThan: segment.Id).ConfigureAwait(false);
            var alone = entries.Where(e => keepAll || e.Frequency > 0 || e.IsLarge || MayBePinned);
            var emptying = new Emptying(segment, keepAll);
            await Parallel.ForEachAsync(alone, Limits, (entry, _) => MoveOrEvictAsync(emptying, entry)).ConfigureAwait(false);
            await _disk.RunAsync(() => RemoveSegment(segment, entries)).ConfigureAwait(false);
            return EmptyResult.Removed;
        }
        catch (IOException error) when (keepAll && IsNoSpace(error))
        {
            return EmptyResult.NoRoom;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            LogNotReclaimed(error, segment.Id);
            return EmptyResult.Failed;
        }
        finally
        {
            _moving.Release();
        }
    }

    /// <summary>What the index has in a segment, by the headers of the segment's records. Where one is damaged, the whole index is looked through.</summary>
    private List<IndexEntry> FindEntries(Segment segment)
    {
        var found = new List<IndexEntry>();
        var left = segment.LiveBytes;
        SegmentScanner.ScanHeaders(segment, (header, offset) =>
        {
            if (!_index.TryGet(header.Hash, out var entry) || !entry.IsAt(segment.Id, IndexEntry.ToUnits(offset)))
                return;
            found.Add(entry);
            left -= entry.Bytes;
        });
        return left <= 0 ? found : FindEntriesInIndex(segment);
    }

    private List<IndexEntry> FindEntriesInIndex(Segment segment)
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

    /// <summary>Copies a record to a younger segment, or evicts a large blob. Under the key's lock, so that no write or delete comes between.</summary>
    private async ValueTask MoveOrEvictAsync(Emptying emptying, IndexEntry seen)
    {
        switch (RecordReader.ReadMetadata(_segments, seen, out var header, out var metadata))
        {
            case RecordVerdict.Gone:
                DropIfStale(seen);
                return;
            case RecordVerdict.Damaged:
                DropDamaged(seen);
                return;
        }
        using var held = await _keyLocks.EnterAsync(metadata!.Key, CancellationToken.None).ConfigureAwait(false);
        if (!_index.TryGet(seen.Hash, out var entry) || !entry.IsAt(seen.Segment, seen.Offset))
            return;
        var isPinned = IsPinned(metadata.Key);
        if ((emptying.KeepAll || entry.Frequency > 0 || isPinned) && await TryCopyAsync(emptying, entry, header.Length).ConfigureAwait(false))
            return;
        if (isPinned)
            throw new IOException($"There is no room to move {metadata.Key}, which must not go.");
        Evict(entry);
    }

    /// <summary>Copies what is whole. False when the disk is full, where that may be evicted instead: a full disk must not keep the store from getting smaller.</summary>
    private async ValueTask<bool> TryCopyAsync(Emptying emptying, IndexEntry entry, int length)
    {
        if (emptying.IsDiskFull)
            return false;
        var bytes = new byte[length];
        var segment = emptying.Segment;
        if (segment.File.Read(entry.ByteOffset, bytes) < length || !IsWhole(bytes, entry))
        {
            DropDamaged(entry);
            return true;
        }
        var fileBytes = entry.IsLarge ? entry.Bytes : 0;
        RecordLocation to;
        try
        {
            // A blob that nobody asked for is only copied because its segment is nearly empty: it stays where it was on probation, and what came in after it is still younger.
            to = emptying.KeepAll && entry.Frequency == 0 && segment.Class == SegmentClass.Probation
                ? await _log.AppendMovedAsync((uint)segment.Rank, bytes, fileBytes).ConfigureAwait(false)
                : await _log.AppendAsync(entry.Frequency > 0 ? SegmentClass.Main : segment.Class, bytes, fileBytes).ConfigureAwait(false);
        }
        catch (IOException error) when (!emptying.KeepAll && IsNoSpace(error))
        {
            emptying.IsDiskFull = true;
            return false;
        }
        _space.AddUsed(length);
        var isMoved = _index.TryUpdate(entry.Hash, entry.Segment, entry.Offset, new MoveTo(to.Segment, IndexEntry.ToUnits(to.Offset)));
        // Should the segment stay after all, because the disk fails: a deletion marks the copy alone, and the copy's segment may be removed before this one.
        segment.MarkDead(entry.ByteOffset);
        if (isMoved)
        {
            segment.AddLive(-entry.Bytes);
            _segments.Find(to.Segment)?.AddLive(entry.Bytes);
            return true;
        }
        // A reader found it damaged meanwhile: what was dropped must not come back with its copy.
        _segments.Find(to.Segment)?.MarkDead(to.Offset);
        return true;
    }

    private static bool IsNoSpace(IOException error) => Posix.IsNoSpace(error.InnerException as IOException ?? error);

    private static bool IsWhole(byte[] bytes, in IndexEntry entry)
    {
        if (!RecordFormat.TryRead(bytes, out var header) || header.Hash != entry.Hash || header.Dead || header.Length != bytes.Length)
            return false;
        var body = bytes.AsSpan(RecordFormat.HeaderLength);
        return entry.IsLarge ? BlobImage.TryReadHeader(body, out _) : BlobImage.TryRead(body, verifyPayload: true, out _);
    }

    /// <summary>Forgets a blob. Its mark is synced with those of all that are evicted with it.</summary>
    private void Evict(in IndexEntry entry)
    {
        var file = PathOfFile(entry);
        if (!_index.Remove(entry.Hash, entry.Segment, entry.Offset, out var removed))
            return;
        Forget(removed);
        _ghosts.Add(removed.Hash);
        _evictions.Add(removed.NamespaceId, EvictionReason.Capacity);
        _segments.Find(removed.Segment)?.AddLive(-removed.Bytes);
        if (file is not null)
            _evictedFiles.Enqueue(new EvictedFile(file, removed.Bytes));
        else if (removed.IsLarge)
            _space.AddUsed(-removed.Bytes);
        // Last: it has gone, and is counted, also where the mark can't be written now. Then it is written with the next sync of marks, before which no file goes.
        MarkDead(removed);
    }

    private bool RemoveSegment(Segment segment, List<IndexEntry> entries)
    {
        // What was copied points elsewhere by now, and what was written again too: only the evicted are still here.
        foreach (var entry in entries)
            Evict(entry);
        _segments.SyncAllMarks();
        while (_evictedFiles.TryDequeue(out var file))
            DeleteEvicted(file);
        _segments.Remove(segment);
        _space.AddUsed(-segment.Length);
        return true;
    }

    private void DeleteEvicted(EvictedFile file)
    {
        try
        {
            _files.Delete(file.Path);
            _space.AddUsed(-file.Bytes);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // It goes on taking space until the next start removes it.
            LogLeftUnread(error, file.Path);
        }
    }

    private readonly record struct EvictedFile(string Path, long Bytes);

    private sealed class Emptying(Segment segment, bool keepAll)
    {
        public Segment Segment { get; } = segment;

        public bool KeepAll { get; } = keepAll;

        /// <summary>Set when a copy found no room: the rest is evicted without trying.</summary>
        public volatile bool IsDiskFull;
    }

    [LoggerMessage(LogLevel.Warning, "Segment {Segment} could not be emptied; another is tried")]
    private partial void LogNotReclaimed(Exception error, uint segment);
}
