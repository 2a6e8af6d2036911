using EdgeCache.Storage.Local.Disk;
using Microsoft.Extensions.Logging;

namespace EdgeCache.Storage.Local;

/// <content>How a store begins and ends.</content>
public sealed partial class LocalStore
{
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
}
