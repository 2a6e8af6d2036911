using EdgeCache.Storage.Local.Disk;
using EdgeCache.Storage.Local.Files;
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
/// read whatever record or file the index points to, and that says which key and version it is. What is kept in memory is found by the index's entry, and by nothing else.
/// </remarks>
public sealed partial class LocalStore : IBlobStore
{
    /// <summary>For syncs and renames: enough that some can be on their way while the log's waits.</summary>
    private const int DiskThreadCount = 8;
    private const int FileThreadCount = 8;

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
    private readonly DiskThreads _disk = new(DiskThreadCount, "disk");

    // For the files of large blobs alone: a deletion must not wait behind syncs of so many bytes.
    private readonly DiskThreads _fileDisk = new(FileThreadCount, "disk file");
    private readonly TaskCompletionSource _lastWriterGone = new(TaskCreationOptions.RunContinuationsAsynchronously);

    // Open writers, plus one for the store itself until it closes.
    private int _writers = 1;
    private volatile bool _closing;
    private int _disposed;
    private long _generation;
    private Task _adoption = Task.CompletedTask;

    /// <inheritdoc/>
    public StoreState State => new(_space.Used, _options.MaxBytes, _index.Count, _probe.Fault)
    {
        Rebuilding = _rebuild?.Progress,
        DamagedBlobs = Volatile.Read(ref _damaged),
        Namespaces = ListUsage(),
        MemoryTier = _memory.State,
        Compression = [.. Compression.Chooser.Totals],
        DeferredBlobs = Compression.Deferred.Count,
    };

    /// <summary>For tests: the log's segments and writer.</summary>
    internal (SegmentSet Segments, LogWriter Log) Internals => (_segments, _log);

    /// <summary>For tests: ends when all files in the folder have been looked at.</summary>
    internal Task Swept => _adoption;

    private long Now => _time.GetUtcNow().ToUnixTimeMilliseconds();

    /// <inheritdoc/>
    public long GetGeneration(BlobKey key) => _generations.Get(key);

    private KeyHash HashOf(BlobKey key) => KeyHash.Of(key, _secret);

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
        Forget(removed);
    }
}
