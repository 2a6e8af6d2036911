using Microsoft.Extensions.Logging;

namespace EdgeCache.Storage.Tiering;

/// <summary>
/// Sends what is in the outbox to the far store, in the background, from the oldest, several at once. What fails is tried again after 1 s to 5 min, and holds up no other; what can
/// never succeed is parked. When the far store is back after an outage, everything is tried at once.
/// </summary>
/// <remarks>
/// Whoever writes a key of the outbox adds its entry and publishes locally under the key's gate, in this order; whoever deletes one removes its entry under the gate. Then no entry goes
/// before what it stands for is in the far store. The stores and the outbox have to end every call in a bounded time.
/// </remarks>
public sealed partial class OutboxUploader : IAsyncDisposable
{
    /// <summary>Failures of one entry after which somebody should know.</summary>
    private const int ManyFailures = 3;

    private readonly IOutbox _outbox;
    private readonly BlobUpload _upload;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly SemaphoreSlim _wake = new(1, 1);
    private readonly CancellationTokenSource _stop = new();
    private readonly ITimer _timer;

    // Protects the schedule and who waits for the end; nothing is taken while it is held but the outbox's own lock, for an instant.
    private readonly Lock _lock = new();
    private readonly UploadSchedule _schedule;
    private readonly Task _loop;
    private TaskCompletionSource? _drained;
    private int _disposed;

    /// <summary>Makes an uploader, which begins at once.</summary>
    /// <param name="near">The local store, which has what is to be sent.</param>
    /// <param name="far">Where it is sent.</param>
    /// <param name="outbox">What is to be sent.</param>
    /// <param name="gate">The gate of those who write and delete keys.</param>
    /// <param name="options">How.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">The log.</param>
    public OutboxUploader(IBlobStore near, IBlobStore far, IOutbox outbox, KeyGate gate, OutboxUploaderOptions options, TimeProvider time, ILogger logger)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(options.Parallelism, 1, nameof(options));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(options.Parallelism, 64, nameof(options));
        _outbox = outbox;
        _upload = new BlobUpload(near, far, outbox, gate, options.Replaces, logger);
        _time = time;
        _logger = logger;
        _schedule = new UploadSchedule(outbox, options.Parallelism, time);
        _timer = time.CreateTimer(static uploader => ((OutboxUploader)uploader!).Notify(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _loop = Task.Run(RunAsync);
    }

    /// <summary>To be called when something was added to the outbox, or released.</summary>
    public void Notify()
    {
        try
        {
            _wake.Release();
        }
        catch (Exception error) when (error is SemaphoreFullException or ObjectDisposedException)
        {
            // It has been woken already and has not yet begun; or it has ended, and what was added is sent after the next start.
        }
    }

    /// <summary>For a stop that has time: has everything tried at once that waits after a failure, and waits until nothing is left to be sent. To be followed by <see cref="DisposeAsync"/>.</summary>
    /// <param name="limit">How long it may take.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>What is left.</returns>
    public async Task<OutboxState> DrainAsync(TimeSpan limit, CancellationToken cancellationToken)
    {
        Task drained;
        lock (_lock)
        {
            _schedule.EndWaits();
            drained = (_drained ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
        }
        Notify();
        try
        {
            await drained.WaitAsync(limit, _time, cancellationToken).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            LogNotDrained(_outbox.State.Waiting, limit.TotalSeconds);
        }
        return _outbox.State;
    }

    /// <summary>Ends. What is under way is given up and sent after the next start.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0)
        {
            await _stop.CancelAsync().ConfigureAwait(false);
            await _timer.DisposeAsync().ConfigureAwait(false);
        }
        await _loop.ConfigureAwait(false);
        _wake.Dispose();
        _stop.Dispose();
    }

    private async Task RunAsync()
    {
        var uploads = new List<Task>();
        try
        {
            while (true)
            {
                await _wake.WaitAsync(_stop.Token).ConfigureAwait(false);
                uploads.RemoveAll(u => u.IsCompleted);
                while (Take() is { } entry)
                    uploads.Add(Task.Run(() => UploadAsync(entry)));
            }
        }
        catch (OperationCanceledException)
        {
            await Task.WhenAll(uploads).ConfigureAwait(false);
        }
    }

    private OutboxEntry? Take()
    {
        lock (_lock)
        {
            if (_stop.IsCancellationRequested)
                return null;
            if (_schedule.TryTake() is { } entry)
                return entry;
            _timer.Change(_schedule.UntilNext() ?? Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            if (_outbox.State.Waiting > 0)
                return null;
            _drained?.TrySetResult();
            _drained = null;
            return null;
        }
    }

    private async Task UploadAsync(OutboxEntry entry)
    {
        UploadResult result;
        try
        {
            result = await _upload.RunAsync(entry, _stop.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            return;
        }
#pragma warning disable CA1031 // Whatever it was, it may work later, and must not end the others.
        catch (Exception error)
#pragma warning restore CA1031
        {
            if (error is not (IOException or UnauthorizedAccessException or OperationCanceledException or TimeoutException))
                LogFault(error, entry.Key);
            result = new UploadResult(UploadStatus.Later, error.Message);
        }
        End(entry, result);
        Notify();
    }

    private void End(OutboxEntry entry, UploadResult result)
    {
        bool wasOut, isOut;
        int failures;
        lock (_lock)
        {
            wasOut = _schedule.IsOut;
            failures = _schedule.End(entry, result.Status);
            isOut = _schedule.IsOut;
        }
        if (result.Status == UploadStatus.Parked)
            LogParked(entry.Key, result.Reason);
        if (isOut && !wasOut)
            LogOut(_outbox.State.Waiting, result.Reason);
        else if (wasOut && !isOut)
            LogBack(_outbox.State.Waiting);
        else if (failures == ManyFailures)
            LogFailing(entry.Key, failures, result.Reason);
    }

    [LoggerMessage(LogLevel.Error, "{Key} can't be sent to the far store and is parked: {Reason}")]
    private partial void LogParked(BlobKey key, string reason);

    [LoggerMessage(LogLevel.Error, "Sending {Key} to the far store went wrong; it is tried again")]
    private partial void LogFault(Exception error, BlobKey key);

    [LoggerMessage(LogLevel.Warning, "Uploads to the far store fail; {Waiting} blobs wait in the outbox. The last said: {Reason}")]
    private partial void LogOut(int waiting, string reason);

    [LoggerMessage(LogLevel.Information, "The far store takes uploads again; {Waiting} blobs wait in the outbox")]
    private partial void LogBack(int waiting);

    [LoggerMessage(LogLevel.Warning, "{Key} could not be sent to the far store {Failures} times; it is tried again. {Reason}")]
    private partial void LogFailing(BlobKey key, int failures, string reason);

    [LoggerMessage(LogLevel.Warning, "{Waiting} blobs are still in the outbox after {Seconds} s; they are sent after the next start")]
    private partial void LogNotDrained(int waiting, double seconds);
}
