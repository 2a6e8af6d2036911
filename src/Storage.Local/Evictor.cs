using Microsoft.Extensions.Logging;

namespace EdgeCache.Storage.Local;

/// <summary>
/// Removes the least recently used blobs when the store gets full: in the background, from the high mark down to the low one. A reader that has a
/// blob open goes on reading it.
/// </summary>
internal sealed partial class Evictor : IAsyncDisposable
{
    private const double HighMark = 0.95;
    private const double LowMark = 0.90;

    private readonly LocalStoreOptions _options;
    private readonly Catalog _catalog;
    private readonly SpaceAccount _space;
    private readonly Func<CatalogEntry, ValueTask> _evict;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly SemaphoreSlim _wake = new(0, 1);
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _loop;
    private long _wanted;
    private volatile TaskCompletionSource _pass = NewPass();

    public Evictor(LocalStoreOptions options, Catalog catalog, SpaceAccount space, Func<CatalogEntry, ValueTask> evict, TimeProvider time, ILogger logger)
    {
        _options = options;
        _catalog = catalog;
        _space = space;
        _evict = evict;
        _time = time;
        _logger = logger;
        _loop = Task.Run(RunAsync);
    }

    /// <summary>To be called after a write: starts a pass when the high mark is reached.</summary>
    public void Check()
    {
        if (_catalog.UsedBytes + _space.Reserved > _options.MaxBytes * HighMark)
            Wake();
    }

    /// <summary>Starts a pass that makes room for so many bytes, and waits for one to end. False when that takes too long.</summary>
    public async ValueTask<bool> MakeRoomAsync(long bytes, CancellationToken cancellationToken)
    {
        Interlocked.Add(ref _wanted, bytes);
        var pass = _pass.Task;
        Wake();
        try
        {
            await pass.WaitAsync(_options.RoomTimeout, _time, cancellationToken).ConfigureAwait(false);
            return true;
        }
        catch (TimeoutException)
        {
            return false;
        }
        finally
        {
            Interlocked.Add(ref _wanted, -bytes);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await _loop.ConfigureAwait(false);
        _stop.Dispose();
        _wake.Dispose();
    }

    private static TaskCompletionSource NewPass() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private void Wake()
    {
        try
        {
            _wake.Release();
        }
        catch (SemaphoreFullException)
        {
            // It has been woken already and has not yet begun.
        }
        catch (ObjectDisposedException)
        {
            // The store is closing: no room is needed any more.
        }
    }

    private async Task RunAsync()
    {
        try
        {
            while (true)
            {
                await _wake.WaitAsync(_stop.Token).ConfigureAwait(false);
                await EvictAsync().ConfigureAwait(false);
                var ended = _pass;
                _pass = NewPass();
                ended.SetResult();
            }
        }
        catch (OperationCanceledException)
        {
            _pass.TrySetResult();
        }
    }

    /// <summary>At the low mark, or lower when that is not enough for those who wait.</summary>
    private bool IsBelowTarget() =>
        _catalog.UsedBytes + _space.Reserved <= Math.Min((long)(_options.MaxBytes * LowMark), _options.MaxBytes - Volatile.Read(ref _wanted));

    private async Task EvictAsync()
    {
        if (IsBelowTarget())
            return;
        var evicted = 0;
        var candidates = _catalog.Snapshot().Select(e => (e.LastUse, Entry: e)).OrderBy(e => e.LastUse).ToList();
        foreach (var (_, entry) in candidates)
        {
            if (IsBelowTarget() || _stop.IsCancellationRequested)
                break;
            try
            {
                await _evict(entry).ConfigureAwait(false);
                evicted++;
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                LogFailed(error, entry.Metadata.Key);
            }
        }
        LogEvicted(evicted, _catalog.UsedBytes, _options.MaxBytes);
    }

    [LoggerMessage(LogLevel.Debug, "Evicted {Count} blobs; {Used} of {Max} bytes in use")]
    private partial void LogEvicted(int count, long used, long max);

    [LoggerMessage(LogLevel.Warning, "Could not evict {Key}")]
    private partial void LogFailed(Exception error, BlobKey key);
}
