using EdgeCache.Storage.Local.Disk;
using EdgeCache.Storage.Local.Format;
using EdgeCache.Storage.Local.Index;
using EdgeCache.Storage.Local.Segments;
using Microsoft.Extensions.Logging;

namespace EdgeCache.Storage.Local;

/// <content>What a start finds out.</content>
public sealed partial class LocalStore
{
    /// <summary>
    /// Opens the segments, and brings the index from the snapshot's state to the log's: at once where that takes a moment; else it is left to a rebuild in the background.
    /// </summary>
    private void Recover(SnapshotHeader? snapshot)
    {
        foreach (var name in _files.List(_layout.Temporary).Where(StoreLayout.IsTemporary))
            _files.Delete(Path.Combine(_layout.Temporary, name));
        var positions = snapshot?.Segments.ToDictionary(s => s.Segment, s => s.Position) ?? [];
        var lastKnown = positions.Count == 0 ? 0 : positions.Keys.Max();
        var leftAlone = _segments.Open(lastKnown);
        if (leftAlone > 0)
            LogLeftAlone(leftAlone);
        foreach (var segment in _segments.List().Where(s => s.Id <= lastKnown && !positions.ContainsKey(s.Id)))
        {
            // It was emptied and removed before the snapshot was made, but its name came back after a crash.
            _segments.Remove(segment);
        }
        var segments = _segments.List();
        _space.AddUsed(segments.Sum(s => s.Length));
        AccountForEntries();
        _lastSegment = segments.Count == 0 ? 0 : segments[^1].Id;
        // What is written from now on has larger ones than all that a process before this one can have named and not recorded.
        _generation = _firstGeneration = Math.Max((long)(snapshot?.NextGeneration ?? 0), CurrentMicroseconds - 1);
        _replay = new LogReplay(_index, _segments, EntryOf, Claim) { LastSegment = _lastSegment, FirstGeneration = _firstGeneration };
        var rebuild = new Rebuild(segments, positions, _secret, Replay);
        if (rebuild.Bytes > _options.ReplayAtOnceBytes)
        {
            _rebuild = rebuild;
            return;
        }
        rebuild.Run(CancellationToken.None);
        _firstGeneration = _generation;
    }

    /// <summary>Drops entries whose segment has gone, and adds up what the others take.</summary>
    private void AccountForEntries()
    {
        for (var shard = 0; shard < BlobIndex.ShardCount; shard++)
        {
            using var copy = _index.CopyShard(shard);
            foreach (ref readonly var entry in copy.Entries)
            {
                if (_segments.Find(entry.Segment) is not { } segment)
                {
                    _index.Remove(entry.Hash, entry.Segment, entry.Offset, out _);
                    continue;
                }
                segment.AddLive(entry.Bytes);
                if (!entry.IsLarge)
                    continue;
                _space.AddUsed(entry.Bytes);
                _claimedBySnapshot += entry.Bytes;
            }
        }
    }

    /// <summary>The index entry of a record that a scan found; null when the file that it stands for is not there.</summary>
    private IndexEntry? EntryOf(ScannedRecord record)
    {
        var namespaceId = _namespaces.IdOf(record.Metadata.Key.Namespace);
        if (record.Header.Kind == RecordKind.Blob)
            return IndexEntry.Small(record.Header.Hash, record.Location.Segment, record.Location.Offset, record.Header.Length, namespaceId, record.Metadata.Created);
        try
        {
            using var file = _files.Open(_layout.BlobPath(record.Header.Hash, record.Header.Generation), writable: false);
            return IndexEntry.Large(record.Header.Hash, record.Location.Segment, record.Location.Offset, file.AllocatedBytes, namespaceId, record.Metadata.Created);
        }
        catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
    }

    /// <summary>
    /// Looks for files that no record stands for: of format 1, which get one, or left by a crash, which are removed. In a folder of today's format nothing that was
    /// acknowledged depends on it, so it runs while the store serves.
    /// </summary>
    private async Task SweepFilesAsync(bool isTakeover)
    {
        List<(string Path, KeyHash Hash, long? Generation)> found;
        try
        {
            // All names before the first change: a file that gets its new name on the way must not be taken for one that a crash left.
            found = [.. _layout.FindBlobFiles(_files)];
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException && !isTakeover)
        {
            LogLeftUnread(error, _layout.Root);
            return;
        }
        var names = found.Where(f => f.Generation is not null).Select(f => (f.Hash, f.Generation!.Value)).ToHashSet();
        await _disk.RunAsync(() => DropEntriesWithoutFile(names)).ConfigureAwait(false);
        await Parallel.ForEachAsync(found, Limits, (file, _) => SweepAsync(file.Path, file.Hash, file.Generation, isTakeover)).ConfigureAwait(false);
        if (_foreignFiles > 0 || _newerFiles > 0)
            LogFilesLeftAlone(_foreignFiles, _newerFiles);
    }

    /// <summary>
    /// Takes large blobs out of the index that were deleted after the snapshot had been made, by a mark in a record that is before its positions, and those whose file was removed by hand.
    /// </summary>
    private bool DropEntriesWithoutFile(HashSet<(KeyHash Hash, long Generation)> names)
    {
        var large = new List<IndexEntry>();
        for (var shard = 0; shard < BlobIndex.ShardCount; shard++)
        {
            using var copy = _index.CopyShard(shard);
            foreach (ref readonly var entry in copy.Entries)
            {
                if (entry.IsLarge && entry.Segment <= _lastSegment)
                    large.Add(entry);
            }
        }
        // In the order in which they are on disk.
        foreach (var entry in large.OrderBy(e => e.Segment).ThenBy(e => e.Offset).TakeWhile(_ => !_closing))
            DropWithoutFile(entry, names);
        return true;
    }

    private void DropWithoutFile(in IndexEntry entry, HashSet<(KeyHash Hash, long Generation)> names)
    {
        try
        {
            switch (RecordReader.ReadMetadata(_segments, entry, out var header, out var metadata))
            {
                case RecordVerdict.Gone: DropIfStale(entry); break;
                case RecordVerdict.Damaged: _damagedAtStart += DropDamaged(entry) ? 1 : 0; break;
                case RecordVerdict.Good when !names.Contains((entry.Hash, header.Generation)) && !_files.Exists(_layout.BlobPath(entry.Hash, header.Generation)):
                    _damagedAtStart += DropDamaged(metadata!.Key, entry, file: null) ? 1 : 0;
                    break;
            }
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // Whoever asks for it will see.
            LogLeftUnread(error, _layout.Root);
        }
    }

    private async ValueTask SweepAsync(string path, KeyHash hash, long? generation, bool isTakeover)
    {
        try
        {
            if (_closing)
                return;
            if (generation is null)
                await AdoptAsync(path).ConfigureAwait(false);
            // What this process writes is newer than all that was there when it began, and may be on its way into the log.
            else if (generation <= _firstGeneration && !IsKnown(hash, generation.Value))
                _files.Delete(path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException && !(isTakeover && generation is null))
        {
            // One file that can't be moved or removed must not keep all others from being served. But in a takeover none may be left behind that could be read: it would be
            // missing, and come back with the next start after its key was deleted or written again.
            LogLeftUnread(error, path);
        }
    }

    private bool IsKnown(KeyHash hash, long generation) =>
        _index.TryGet(hash, out var entry) && entry.IsLarge
        && (RecordReader.ReadMetadata(_segments, entry, out var header, out _) != RecordVerdict.Good || header.Generation == generation);

    /// <summary>What a file of format 1 is; null when it can't be read, and there is nothing that could be served.</summary>
    private (BlobMetadata Metadata, long Allocated)? ReadFormatOne(string path)
    {
        try
        {
            using var file = _files.Open(path, writable: false);
            var verdict = BlobHeaderReader.Read(file, out var info);
            if (verdict == FileVerdict.Damaged)
                Quarantine(path);
            else if (verdict == FileVerdict.Foreign)
                Interlocked.Increment(ref _foreignFiles);
            else if (verdict == FileVerdict.Newer)
                Interlocked.Increment(ref _newerFiles);
            return verdict == FileVerdict.Good ? (info!.Metadata, file.AllocatedBytes) : null;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            LogLeftUnread(error, path);
            return null;
        }
    }

    /// <summary>Gives a file of format 1 its name and its record. Of two of one key the newer one stays.</summary>
    private async Task AdoptAsync(string path)
    {
        if (ReadFormatOne(path) is not var (metadata, allocated))
            return;
        RaiseGeneration(metadata.Generation);
        using var held = await _keyLocks.EnterAsync(metadata.Key, CancellationToken.None).ConfigureAwait(false);
        var hash = HashOf(metadata.Key);
        if (_index.TryGet(hash, out var entry) && RecordReader.ReadMetadata(_segments, entry, out var header, out _) == RecordVerdict.Good && header.Generation >= metadata.Generation)
        {
            _files.Delete(path);
            return;
        }
        await AdoptAsync(path, metadata, hash, allocated).ConfigureAwait(false);
    }

    private async Task AdoptAsync(string path, BlobMetadata metadata, KeyHash hash, long allocated)
    {
        // The record first: without its file it says nothing, but a file that has got its name without a record is taken for one that a crash left over.
        var record = LargeRecord(metadata, hash);
        var namespaceId = _namespaces.IdOf(metadata.Key.Namespace);
        var location = await _log.AppendAsync(SegmentClass.Main, record, allocated).ConfigureAwait(false);
        var named = _layout.BlobPath(hash, metadata.Generation);
        _files.Rename(path, named);
        _files.SyncFolder(Path.GetDirectoryName(named)!);
        var entry = IndexEntry.Large(hash, location.Segment, location.Offset, allocated, namespaceId, metadata.Created);
        _space.AddUsed(allocated + record.Length);
        Supersede(_index.Set(entry), entry);
    }

    private void Quarantine(string path)
    {
        LogDamaged(path);
        _files.Rename(path, Path.Combine(_layout.Quarantine, Path.GetFileName(path)));
        TrimQuarantine();
    }

    private void TrimQuarantine()
    {
        foreach (var old in _files.List(_layout.Quarantine).Order(StringComparer.Ordinal).SkipLast(MaxQuarantined))
            _files.Delete(Path.Combine(_layout.Quarantine, old));
    }

    /// <summary>Puts a damaged file aside; where that fails, it stays where it is.</summary>
    private void TryQuarantine(string path)
    {
        try
        {
            Quarantine(path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            LogLeftUnread(error, path);
        }
    }

    // The largest generation, and the youngest segment, of the processes before this one.
    private long _firstGeneration;
    private uint _lastSegment;
    private long _claimedBySnapshot;
    private int _foreignFiles;
    private int _newerFiles;

    private static readonly ParallelOptions Limits = new() { MaxDegreeOfParallelism = RecordsAtOnce };

    /// <summary>Damaged files that are kept for a look.</summary>
    private const int MaxQuarantined = 64;

    [LoggerMessage(LogLevel.Warning, "Left {Count} files alone that are not segments of this version")]
    private partial void LogLeftAlone(int count);

    [LoggerMessage(LogLevel.Warning, "Left files alone that have the names of blobs: {Foreign} foreign, {Newer} of a newer version")]
    private partial void LogFilesLeftAlone(int foreign, int newer);

    [LoggerMessage(LogLevel.Warning, "The file {Path} is cut or altered; moved to quarantine")]
    private partial void LogDamaged(string path);

    [LoggerMessage(LogLevel.Warning, "The file {Path} could not be read or moved; left alone")]
    private partial void LogLeftUnread(Exception error, string path);
}
