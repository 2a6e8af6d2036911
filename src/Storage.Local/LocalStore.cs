using System.Runtime.CompilerServices;
using EdgeCache.Storage.Local.Disk;
using EdgeCache.Storage.Local.Format;
using Microsoft.Extensions.Logging;
using Microsoft.Win32.SafeHandles;

namespace EdgeCache.Storage.Local;

/// <summary>
/// A store in one folder: a self-describing file a blob, written beside and renamed into place. What is acknowledged is synced, data and name.
/// </summary>
/// <remarks>
/// Locks, in order: a key's lock (<see cref="KeyLocks"/>) around every change of that key; then, alone, the space account's. A change of a key under its
/// lock is: check, sync the file, rename, sync the folder, catalog. Readers take no lock: they open whatever file has the name, and the
/// file says which version it is.
/// </remarks>
public sealed partial class LocalStore : IBlobStore
{
    private const int DiskThreadCount = 8;

    private readonly LocalStoreOptions _options;
    private readonly StoreLayout _layout;
    private readonly FolderLock _folderLock;
    private readonly HashSecret _secret;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly Catalog _catalog = new();
    private readonly KeyLocks _keyLocks = new();
    private readonly GenerationTable _generations = new();
    private readonly SpaceAccount _space;
    private readonly Evictor _evictor;
    private readonly DiskThreads _disk = new(DiskThreadCount);
    private readonly TaskCompletionSource _lastWriterGone = new(TaskCreationOptions.RunContinuationsAsynchronously);

    // Open writers, plus one for the store itself until it closes.
    private int _writers = 1;
    private volatile bool _closing;
    private int _disposed;
    private volatile string? _fault;
    private long _generation;

    private LocalStore(LocalStoreOptions options, StoreLayout layout, FolderLock folderLock, HashSecret secret, TimeProvider time, ILogger logger)
    {
        _options = options;
        _layout = layout;
        _folderLock = folderLock;
        _secret = secret;
        _time = time;
        _logger = logger;
        _space = new SpaceAccount(options, _catalog, time);
        _evictor = new Evictor(options, _catalog, _space, EvictAsync, time, logger);
    }

    /// <inheritdoc/>
    public StoreState State => new(_catalog.UsedBytes, _options.MaxBytes, _catalog.Count, _fault);

    /// <summary>Opens the folder: waits for a process that is leaving it, removes what was never finished, and reads which blobs there are.</summary>
    /// <exception cref="StoreUnavailableException">The folder is in use, of a newer format, or not accessible.</exception>
    public static async Task<LocalStore> OpenAsync(LocalStoreOptions options, TimeProvider time, ILogger logger, CancellationToken cancellationToken)
    {
        var layout = new StoreLayout(Path.GetFullPath(options.Path));
        try
        {
            layout.Create();
            var folderLock = await FolderLock.TakeAsync(layout.Lock, options.LockTimeout, time, cancellationToken).ConfigureAwait(false);
            LocalStore? store = null;
            try
            {
                store = new LocalStore(options with { Path = layout.Root }, layout, folderLock, StoreMarker.Open(layout), time, logger);
                store.Recover();
                store._evictor.Check();
                return store;
            }
            catch
            {
                // What has been started (threads, eviction) ends with the store; the lock is free again either way.
                if (store is not null)
                    await store.DisposeAsync().ConfigureAwait(false);
                folderLock.Dispose();
                throw;
            }
        }
        catch (Exception error) when (error is UnauthorizedAccessException or (IOException and not StoreUnavailableException))
        {
            throw new StoreUnavailableException($"The store folder '{layout.Root}' can't be opened: {error.Message}", error);
        }
    }

    /// <inheritdoc/>
    public ValueTask<Outcome<BlobMetadata>> StatAsync(BlobKey key, CancellationToken cancellationToken)
    {
        if (_catalog.Find(key) is not { } entry)
            return new(StoreStatus.Missing);
        entry.Touch(Now);
        return new(entry.Metadata);
    }

    /// <inheritdoc/>
    public ValueTask<Outcome<IBlobReader>> OpenReadAsync(BlobKey key, ByteRange expected, CancellationToken cancellationToken)
    {
        if (_catalog.Find(key) is not { } entry)
            return new(StoreStatus.Missing);
        SafeFileHandle? file = null;
        try
        {
            file = File.OpenHandle(PathOf(key), FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            var verdict = BlobHeaderReader.Read(file, out var info);
            if (verdict != FileVerdict.Good || info!.Metadata.Key != key)
                return DropAsync(entry, verdict);
            entry.Touch(Now);
            var reader = new LocalBlobReader(file, info.Metadata, info.HeaderLength);
            file = null;
            return new(reader);
        }
        catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException)
        {
            // Deleted or evicted since the look-up, or removed by hand.
            return DropAsync(entry, FileVerdict.Foreign);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            LogReadFault(error, key);
            return new(Outcome<IBlobReader>.Fail(StoreStatus.Unavailable, "The disk could not read it."));
        }
        finally
        {
            file?.Dispose();
        }
    }

    /// <inheritdoc/>
    public async ValueTask<Outcome<IBlobWriter>> OpenWriteAsync(BlobKey key, PutOptions options, CancellationToken cancellationToken)
    {
        if (key.IsDefault)
            throw new ArgumentException("The default key names no blob.", nameof(key));
        if (options.ExpectedLength > options.MaxLength)
            return StoreStatus.TooLarge;
        var draft = Draft(key, options);
        BlobHeader.Check(draft);
        if (options.ExpectedLength > _options.MaxBytes || (options.ExpectedLength is { } length && LocalBlobWriter.SpaceFor(BlobHeader.Measure(draft), length) > _options.MaxBytes))
            return Outcome<IBlobWriter>.Fail(StoreStatus.NoSpace, $"It has {options.ExpectedLength} bytes; the whole store has {_options.MaxBytes}.");
        if (!TryAddWriter())
            return Outcome<IBlobWriter>.Fail(StoreStatus.Unavailable, "The store is closing.");
        LocalBlobWriter? writer = null;
        try
        {
            if (Foresee(_catalog.Find(key)?.Metadata, options) != StoreStatus.Ok)
            {
                // Refused on the strength of memory only after a look at the file: it may have been damaged, or removed by hand.
                using var held = await _keyLocks.EnterAsync(key, cancellationToken).ConfigureAwait(false);
                var status = Foresee(FindIntact(key)?.Metadata, options);
                if (status != StoreStatus.Ok)
                    return status;
            }
            writer = new LocalBlobWriter(this, draft, options);
            return writer;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            LogReadFault(error, key);
            return Outcome<IBlobWriter>.Fail(StoreStatus.Unavailable, "The disk could not read what is there.");
        }
        finally
        {
            if (writer is null)
                RemoveWriter();
        }
    }

    /// <inheritdoc/>
    public async ValueTask<Outcome<BlobMetadata>> DeleteAsync(BlobKey key, BlobCondition? condition, CancellationToken cancellationToken)
    {
        if (!TryAddWriter())
            return Outcome<BlobMetadata>.Fail(StoreStatus.Unavailable, "The store is closing.");
        try
        {
            using var held = await _keyLocks.EnterAsync(key, cancellationToken).ConfigureAwait(false);
            var entry = _catalog.Find(key);
            if (condition?.Holds(entry?.Metadata) == false)
                return StoreStatus.PreconditionFailed;
            _generations.Advance(key);
            if (entry is not null)
                await _disk.RunAsync(() => Unlink(entry)).ConfigureAwait(false);
            _generations.Advance(key);
            // Also when nothing was there: it may have been evicted an instant ago, and a crash must not bring it back.
            await _disk.RunAsync(() => SyncRemoval(key)).ConfigureAwait(false);
            return entry is null ? StoreStatus.Missing : entry.Metadata;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            OnWriteFault(error);
            return Outcome<BlobMetadata>.Fail(StoreStatus.Unavailable, "The disk could not make the removal durable.");
        }
        finally
        {
            RemoveWriter();
        }
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<BlobListing> ListAsync(BlobPrefix prefix, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var found = _catalog.Snapshot().Select(e => e.Metadata)
            .Where(m => m.Key.Namespace == prefix.Namespace && (prefix.Tenant is null || m.Key.Tenant == prefix.Tenant) && m.Key.Key.StartsWith(prefix.KeyPrefix, StringComparison.Ordinal))
            .OrderBy(m => m.Key.Tenant, StringComparer.Ordinal).ThenBy(m => m.Key.Key, StringComparer.Ordinal)
            .Select(m => new BlobListing(m.Key, m.Length, m.Created));
        foreach (var listing in found)
        {
            cancellationToken.ThrowIfCancellationRequested();
            yield return listing;
        }
        await Task.CompletedTask.ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public long GetGeneration(BlobKey key) => _generations.Get(key);

    /// <summary>Says in the folder that this process is on its way out, so that a successor waits for it.</summary>
    public void MarkLeaving() => _folderLock.MarkLeaving();

    /// <summary>Takes no new writes, waits for the running ones, and leaves the folder.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
        {
            await _lastWriterGone.Task.ConfigureAwait(false);
            return;
        }
        _closing = true;
        RemoveWriter();
        await _lastWriterGone.Task.ConfigureAwait(false);
        await _evictor.DisposeAsync().ConfigureAwait(false);
        _disk.Dispose();
        _folderLock.Dispose();
    }

    private long Now => _time.GetUtcNow().ToUnixTimeMilliseconds();

    private string PathOf(BlobKey key) => _layout.BlobPath(KeyHash.Of(key, _secret));

    /// <summary>What the commit would say already now.</summary>
    private static StoreStatus Foresee(BlobMetadata? current, PutOptions options)
    {
        if (options.Condition?.Holds(current) == false)
            return StoreStatus.PreconditionFailed;
        return !options.Replace && current is not null && options.ExpectedSha256 is { } digest && digest != current.Sha256 ? StoreStatus.Exists : StoreStatus.Ok;
    }

    private BlobMetadata Draft(BlobKey key, PutOptions options) => new()
    {
        Key = key,
        Length = 0,
        Sha256 = default,
        PayloadLength = 0,
        PayloadSha256 = default,
        Created = DateTimeOffset.FromUnixTimeMilliseconds(Now),
        Generation = 0,
        ContentType = options.ContentType,
        Writer = options.Writer,
        Tags = options.Tags,
        StoredHeaders = options.StoredHeaders,
        FarValidator = options.FarValidator,
        UnknownFields = options.UnknownFields,
    };

    [LoggerMessage(LogLevel.Error, "The file of {Key} can't be served ({Verdict}); it counts as missing")]
    private partial void LogUnreadable(BlobKey key, FileVerdict verdict);

    [LoggerMessage(LogLevel.Error, "The file of {Key} could not be read")]
    private partial void LogReadFault(Exception error, BlobKey key);
}
