using EdgeCache.Codecs.Choosing;
using EdgeCache.Storage.Local.Compressing;
using EdgeCache.Storage.Local.Disk;
using EdgeCache.Storage.Local.Files;
using EdgeCache.Storage.Local.Index;
using EdgeCache.Storage.Local.Memory;
using EdgeCache.Storage.Local.Segments;
using Microsoft.Extensions.Logging;

namespace EdgeCache.Storage.Local;

/// <content>How a store begins and ends.</content>
public sealed partial class LocalStore
{
    private const int MaxPositionTries = 1000;

    private LocalStore(LocalStoreOptions options, StoreLayout layout, IFileSystem files, FolderLock? folderLock, HashSecret secret, TimeProvider time, ILogger logger)
    {
        _options = options;
        _layout = layout;
        _files = files;
        _folderLock = folderLock;
        _secret = secret;
        _time = time;
        _logger = logger;
        _sizes = StoreSizes.For(options.MaxBytes);
        _ghosts = new GhostTable(options.MaxBytes);
        _memory = new MemoryTier(options.MemoryTierBytes);
        Compression = new StoreCompression(options.Zstd, new CompressionChooser(options.Zstd, options.CpuPressure ?? ProcessCpuPressure.OfThisProcess(time)), options.Compression, new DeferredQueue(options.MaxDeferred), time);
        if (options.Zstd.WhyUnavailable is { } why)
            LogNoZstd(why);
        _space = new SpaceAccount(options, files, time);
        _segments = new SegmentSet(layout.Segments, files, secret);
        try
        {
            (_index, var header) = ReadSnapshot();
            foreach (var (id, name) in header?.Namespaces ?? new Dictionary<ushort, string>())
                _namespaces.Load(name, id);
            Recover(header);
        }
        catch
        {
            _segments.Dispose();
            _disk.Dispose();
            _fileDisk.Dispose();
            CloseReading();
            throw;
        }
        _log = new LogWriter(_segments, _sizes.SegmentBytes, Math.Max(_sizes.SegmentBytes, options.MaxBytes / StoreSizes.SegmentsInStore), _space.AddUsed);
        _reclaimer = new Reclaimer(options, _space, _segments, _log, EmptyAsync, _rebuilt.Task, time, logger);
        _probe = new FaultProbe(files, layout, time);
        _snapshotter = new Snapshotter(() => _log.Written, WriteSnapshotAsync, time);
        _listing = MakeListing();
        _limits = new NamespaceLimitTable(options.Limits);
        _gate = new QuotaGate(_index, time, options.RoomTimeout);
    }

    /// <summary>Opens the folder: waits for a process that is leaving it, removes what was never finished, and finds out which blobs there are.</summary>
    /// <exception cref="StoreUnavailableException">The folder is in use, of a newer format, or not accessible.</exception>
    public static async Task<LocalStore> OpenAsync(LocalStoreOptions options, TimeProvider time, ILogger logger, CancellationToken cancellationToken)
    {
        var layout = new StoreLayout(Path.GetFullPath(options.Path));
        try
        {
            layout.Create();
            var folderLock = await FolderLock.TakeAsync(layout.Lock, options.LockTimeout, time, cancellationToken).ConfigureAwait(false);
            try
            {
                var files = new DiskFileSystem(layout.Root);
                var (secret, format) = StoreMarker.Open(layout, files);
                var store = await OpenAsync(options with { Path = layout.Root }, layout, files, folderLock, (secret, format), time, logger).ConfigureAwait(false);
                if (format < StoreMarker.Format)
                    await EndTakeoverAsync(store).ConfigureAwait(false);
                return store;
            }
            catch
            {
                folderLock.Dispose();
                throw;
            }
        }
        catch (Exception error) when (error is UnauthorizedAccessException or (IOException and not StoreUnavailableException))
        {
            throw new StoreUnavailableException($"The store folder '{layout.Root}' can't be opened: {error.Message}", error);
        }
    }

    private static async Task EndTakeoverAsync(LocalStore store)
    {
        try
        {
            StoreMarker.EndTakeover(store._layout, store._secret);
        }
        catch
        {
            await store.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Opens a folder that is there and locked.</summary>
    internal static async Task<LocalStore> OpenAsync(
        LocalStoreOptions options, StoreLayout layout, IFileSystem files, FolderLock? folderLock, (HashSecret Secret, int Format) marker, TimeProvider time, ILogger logger)
    {
        var store = new LocalStore(options, layout, files, folderLock, marker.Secret, time, logger);
        try
        {
            if (store._rebuild is null)
                store.EndRebuild();
            store._adoption = store.RebuildAndSweepAsync(isTakeover: marker.Format < StoreMarker.Format);
            // In a folder of an older format, or one that lost its marker, what was acknowledged may be known by its file alone.
            if (marker.Format < StoreMarker.Format)
                await store._adoption.ConfigureAwait(false);
            store.StartUpkeep();
            store.LogOpened(layout.Root, store._index.Count, store._space.Used);
            return store;
        }
        catch
        {
            await store.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Says in the folder that this process is on its way out, so that a successor waits for it.</summary>
    public void MarkLeaving() => _folderLock?.MarkLeaving();

    /// <summary>Takes no new writes, waits for the running ones, writes the index down and leaves the folder.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
        {
            await _lastWriterGone.Task.ConfigureAwait(false);
            return;
        }
        _closing = true;
        // A rebuild ends here. Whoever waits for it is told at once: the disk may keep the rebuild for as long as a read takes.
        await _stopping.CancelAsync().ConfigureAwait(false);
        _rebuild?.End(isComplete: false);
        if (_deferred is not null)
            await _deferred.DisposeAsync().ConfigureAwait(false);
        RemoveWriter();
        await _lastWriterGone.Task.ConfigureAwait(false);
        try
        {
            await _listing.DisposeAsync().ConfigureAwait(false);
            // Where it failed, whoever opened the store knows.
            await _adoption.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            await StopUpkeepAsync().ConfigureAwait(false);
            await _probe.DisposeAsync().ConfigureAwait(false);
            await _snapshotter.DisposeAsync().ConfigureAwait(false);
            await _reclaimer.DisposeAsync().ConfigureAwait(false);
            await _log.DisposeAsync().ConfigureAwait(false);
            // After a takeover that failed, records may be in the log whose files have their names and are not in the index: the next start must read them.
            if (_adoption.IsCompletedSuccessfully)
                await WriteSnapshotAsync().ConfigureAwait(false);
        }
        finally
        {
            // Whatever went wrong: the folder is free for the next.
            _stopping.Dispose();
            _disk.Dispose();
            _fileDisk.Dispose();
            CloseReading();
            _segments.Dispose();
            _folderLock?.Dispose();
        }
    }

    private bool TryAddWriter()
    {
        while (true)
        {
            var count = Volatile.Read(ref _writers);
            if (count == 0 || _closing)
                return false;
            if (Interlocked.CompareExchange(ref _writers, count + 1, count) == count)
                return true;
        }
    }

    private void RemoveWriter()
    {
        if (Interlocked.Decrement(ref _writers) == 0)
            _lastWriterGone.SetResult();
    }

    private (BlobIndex Index, SnapshotHeader? Header) ReadSnapshot()
    {
        if (IndexSnapshot.TryRead(_files, _layout.Snapshot, _secret.ToGuid(), out var fault) is { } snapshot)
            return (snapshot.Index, snapshot.Header);
        if (fault is not null && _files.Exists(_layout.Snapshot))
            LogNoSnapshot(fault);
        return (new BlobIndex(), null);
    }

    /// <summary>Writes the index down, so that the next start need not find it out. A failure costs that start some time and nothing else.</summary>
    internal async Task WriteSnapshotAsync()
    {
        // The one that is there, if any, is older and right; an index that is not complete is neither.
        if (_rebuild is not null)
            return;
        try
        {
            var header = await TakeHeaderAsync().ConfigureAwait(false);
            // Nothing is in the index that the log has not synced.
            await _disk.RunAsync(() => Write(header)).ConfigureAwait(false);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            LogSnapshotFailed(error);
        }
    }

    private async Task<SnapshotHeader> TakeHeaderAsync()
    {
        List<SegmentPosition> positions;
        await _moving.WaitAsync().ConfigureAwait(false);
        try
        {
            positions = TakePositions();
        }
        finally
        {
            _moving.Release();
        }
        // A record is in the log an instant before it is in the index. Those that were in between when the positions were taken get there now.
        await _keyLocks.PassThroughAsync().ConfigureAwait(false);
        // Only now: the next generation must be larger than that of every record before the positions, and the namespace of each must have its number.
        return new SnapshotHeader
        {
            StoreId = _secret.ToGuid(),
            NextGeneration = (ulong)(Volatile.Read(ref _generation) + 1),
            Segments = positions,
            Namespaces = _namespaces.List().ToDictionary(n => n.Value, n => n.Key),
        };
    }

    /// <summary>The end of every segment as of one moment: if one were of later, what it says of a key could be known, and what another says of the key before that not.</summary>
    /// <exception cref="IOException">There is no such moment, because so much is written.</exception>
    private List<SegmentPosition> TakePositions()
    {
        for (var tries = 0; tries < MaxPositionTries; tries++)
        {
            var written = _log.Written;
            var positions = _segments.List().ConvertAll(s => new SegmentPosition(s.Id, (byte)s.Class, s.Length));
            if (_log.Written == written)
                return positions;
        }
        throw new IOException("The log is written to all the time.");
    }

    private bool Write(SnapshotHeader header)
    {
        IndexSnapshot.Write(_files, _layout.Snapshot, _index, header, makeLogDurable: static () => { });
        return true;
    }

    [LoggerMessage(LogLevel.Information, "Opened the store {Path}: {Blobs} blobs, {Used} bytes")]
    private partial void LogOpened(string path, long blobs, long used);

    [LoggerMessage(LogLevel.Warning, "The snapshot of the index can't be used ({Fault}); the index is built from the segments")]
    private partial void LogNoSnapshot(string fault);

    [LoggerMessage(LogLevel.Warning, "The index could not be written down; the next start will take longer")]
    private partial void LogSnapshotFailed(Exception error);
}
