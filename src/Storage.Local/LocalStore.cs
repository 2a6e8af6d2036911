using EdgeCache.Storage.Local.Disk;
using EdgeCache.Storage.Local.Files;
using EdgeCache.Storage.Local.Format;
using EdgeCache.Storage.Local.Index;
using EdgeCache.Storage.Local.Segments;
using Microsoft.Extensions.Logging;

namespace EdgeCache.Storage.Local;

/// <summary>
/// A store in one folder. Small blobs are records in the segments of a log, where all who write share a sync; large ones have files of their own. An index in
/// memory says where each is, and is written down now and then, so that a start reads what has happened since and not everything.
/// What is acknowledged is synced.
/// </summary>
/// <remarks>
/// Locks, in order: the one that is held while records are moved (<see cref="EmptyAsync"/>); a key's lock (<see cref="KeyLocks"/>) around every change of that key; then, alone and for an instant, an index shard's or the space account's.
/// A change of a key under its lock is: check, append and sync the record (and the file), index, mark what was superseded. Readers take no lock: they
/// read whatever record or file the index points to, and that says which key and version it is.
/// </remarks>
public sealed partial class LocalStore : IBlobStore
{
    private const int DiskThreadCount = 8;
    private const int FileThreadCount = 8;

    /// <summary>How often a reader looks again when what it was pointed to has just moved.</summary>
    private const int MaxLooks = 5;

    private readonly LocalStoreOptions _options;
    private readonly StoreLayout _layout;
    private readonly IFileSystem _files;
    private readonly FolderLock? _folderLock;
    private readonly HashSecret _secret;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly StoreSizes _sizes;
    private readonly BlobIndex _index;
    private readonly NamespaceTable _namespaces = new();
    private readonly KeyLocks _keyLocks = new();
    private readonly GenerationTable _generations = new();
    private readonly SpaceAccount _space;
    private readonly SegmentSet _segments;
    private readonly LogWriter _log;
    private readonly Reclaimer _reclaimer;
    private readonly Snapshotter _snapshotter;
    private readonly FaultProbe _probe;
    private readonly DiskThreads _disk = new(DiskThreadCount);

    // For the files of large blobs alone: a deletion must not wait behind syncs of so many bytes.
    private readonly DiskThreads _fileDisk = new(FileThreadCount);
    private readonly TaskCompletionSource _lastWriterGone = new(TaskCreationOptions.RunContinuationsAsynchronously);

    // Open writers, plus one for the store itself until it closes.
    private int _writers = 1;
    private volatile bool _closing;
    private int _disposed;
    private long _generation;
    private Task _adoption = Task.CompletedTask;

    /// <inheritdoc/>
    public StoreState State => new(_space.Used, _options.MaxBytes, _index.Count, _probe.Fault) { Rebuilding = _rebuild?.Progress };

    /// <summary>For tests: the log's segments and writer.</summary>
    internal (SegmentSet Segments, LogWriter Log) Internals => (_segments, _log);

    /// <summary>For tests: ends when all files in the folder have been looked at.</summary>
    internal Task Swept => _adoption;

    private long Now => _time.GetUtcNow().ToUnixTimeMilliseconds();

    /// <inheritdoc/>
    public ValueTask<Outcome<BlobMetadata>> StatAsync(BlobKey key, CancellationToken cancellationToken)
    {
        try
        {
            return Find(key, touch: true) is { } found ? new(found.Metadata) : new(StoreStatus.Missing);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            LogReadFault(error, key);
            return new(Outcome<BlobMetadata>.Fail(StoreStatus.Unavailable, "The disk could not read it."));
        }
    }

    /// <inheritdoc/>
    public ValueTask<Outcome<IBlobReader>> OpenReadAsync(BlobKey key, ByteRange expected, CancellationToken cancellationToken)
    {
        try
        {
            return OpenCurrent(key) is { } reader ? new(Outcome<IBlobReader>.Good(reader)) : new(StoreStatus.Missing);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            LogReadFault(error, key);
            return new(Outcome<IBlobReader>.Fail(StoreStatus.Unavailable, "The disk could not read it."));
        }
    }

    /// <inheritdoc/>
    public long GetGeneration(BlobKey key) => _generations.Get(key);

    private KeyHash HashOf(BlobKey key) => KeyHash.Of(key, _secret);

    private IBlobReader? OpenCurrent(BlobKey key)
    {
        var hash = HashOf(key);
        for (var look = 0; look < MaxLooks && _index.TryGetAndTouch(hash, out var entry) && IsServable(entry); look++)
        {
            IBlobReader? reader = entry.IsLarge ? OpenLarge(key, hash, entry) : OpenSmall(key, entry);
            if (reader is not null)
                return reader;
        }
        return null;
    }

    private RecordBlobReader? OpenSmall(BlobKey key, in IndexEntry entry)
    {
        switch (RecordReader.ReadWhole(_segments, entry, verifyPayload: !entry.IsVerified, out var record))
        {
            case RecordVerdict.Good when record!.Metadata.Key == key:
                if (!entry.IsVerified)
                    _index.TryUpdate(entry.Hash, entry.Segment, entry.Offset, new AddFlags(EntryFlags.Verified));
                return new RecordBlobReader(record);
            case RecordVerdict.Good:
                record!.Dispose();
                return null;
            case RecordVerdict.Damaged:
                Drop(key, entry);
                return null;
            default:
                DropIfStale(entry);
                return null;
        }
    }

    private FileBlobReader? OpenLarge(BlobKey key, KeyHash hash, in IndexEntry entry)
    {
        var verdict = RecordReader.ReadMetadata(_segments, entry, out var header, out var metadata);
        if (verdict != RecordVerdict.Good)
        {
            if (verdict == RecordVerdict.Gone)
                DropIfStale(entry);
            else if (Drop(key, entry))
                QuarantineStrayFiles(hash);
            return null;
        }
        IStoreFile? file = null;
        string? path = _layout.BlobPath(hash, header.Generation);
        try
        {
            file = _files.Open(path, writable: false);
            if (BlobHeaderReader.Read(file, out var info) == FileVerdict.Good && info!.Metadata.Key == key && metadata!.Key == key)
            {
                var (segment, offset) = (entry.Segment, entry.Offset);
                var seen = entry;
                var reader = new FileBlobReader(
                    file, info, entry.IsVerified, () => _index.TryUpdate(hash, segment, offset, new AddFlags(EntryFlags.Verified)), () => Drop(key, seen));
                file = null;
                return reader;
            }
        }
        catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException)
        {
            // Deleted or evicted since the look-up, or removed by hand.
            path = null;
        }
        finally
        {
            file?.Dispose();
        }
        if (Drop(key, entry) && path is not null)
            TryQuarantine(path);
        return null;
    }

    /// <summary>What a key has now, by the record that the index points to.</summary>
    private (IndexEntry Entry, BlobMetadata Metadata)? Find(BlobKey key, bool touch)
    {
        var hash = HashOf(key);
        for (var look = 0; look < MaxLooks; look++)
        {
            if (!(touch ? _index.TryGetAndTouch(hash, out var entry) : _index.TryGet(hash, out entry)))
                return null;
            switch (RecordReader.ReadMetadata(_segments, entry, out _, out var metadata))
            {
                case RecordVerdict.Good:
                    return metadata!.Key == key ? (entry, metadata) : null;
                case RecordVerdict.Damaged:
                    Drop(key, entry);
                    break;
                default:
                    DropIfStale(entry);
                    break;
            }
        }
        return null;
    }

    /// <summary>Takes what can't be served out of the index, so that it is a miss and the next write heals it.</summary>
    /// <returns>Whether it was there until now.</returns>
    private bool Drop(BlobKey key, in IndexEntry entry)
    {
        if (_rebuild is not null)
            _replay.NoteGone(entry.Hash);
        if (!_index.Remove(entry.Hash, entry.Segment, entry.Offset, out var removed))
            return false;
        LogUnreadable(key);
        try
        {
            // Until now this record said that those before it are superseded. It no longer can, so their marks must.
            if (entry.IsLarge)
                MarkDead(entry);
            _segments.SyncAllMarks();
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            LogWriteFault(error);
        }
        Release(removed);
        return true;
    }

    /// <summary>The record has gone or was marked dead. An entry that still points to it is one that a snapshot kept from before; one that points elsewhere by now stays.</summary>
    private void DropIfStale(in IndexEntry entry)
    {
        if (_index.Remove(entry.Hash, entry.Segment, entry.Offset, out var removed))
            Release(removed);
    }

    /// <summary>Accounts for an entry that is no longer in the index. A record's space is given back with its segment, a file's at once.</summary>
    private void Release(in IndexEntry removed)
    {
        if (_segments.Find(removed.Segment) is { } segment)
        {
            segment.AddLive(-removed.Bytes);
            if (segment.LiveBytes <= 0 && segment.IsSealed)
                _reclaimer.NoteDead();
        }
        if (removed.IsLarge)
            _space.AddUsed(-removed.Bytes);
    }

    [LoggerMessage(LogLevel.Error, "{Key} is damaged on disk or was removed by hand; it counts as missing")]
    private partial void LogUnreadable(BlobKey key);

    [LoggerMessage(LogLevel.Error, "{Key} could not be read")]
    private partial void LogReadFault(Exception error, BlobKey key);
}
