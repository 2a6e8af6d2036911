using Microsoft.Extensions.Logging;

namespace EdgeCache.Storage.Local.Compressing;

/// <summary>What has become of a blob that was to be compressed.</summary>
internal enum DeferredResult
{
    /// <summary>It is compressed now.</summary>
    Done,

    /// <summary>There is nothing to do: it has gone or is another by now, or does not shrink.</summary>
    Dropped,

    /// <summary>It can't be done now, but perhaps later.</summary>
    NotNow,
}

/// <summary>
/// Compresses what came in too fast to be compressed at once: one blob after the other, and only while the processors have time. What it does is to be seen in nothing but the space that a
/// blob takes.
/// </summary>
internal sealed partial class DeferredCompressor : IAsyncDisposable
{
    /// <summary>From the time a blob is stored: whoever writes many in a row is not to be disturbed between two of them.</summary>
    public static readonly TimeSpan Rest = TimeSpan.FromSeconds(2);

    /// <summary>How often is looked whether there is time.</summary>
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(300);

    /// <summary>Before the next try of a blob that may not be touched yet, such as one that is still to be sent to the far store. What comes behind it may wait as long.</summary>
    private static readonly TimeSpan Later = TimeSpan.FromMinutes(1);

    private const int MaxTries = 60;

    private readonly DeferredQueue _queue;
    private readonly Func<bool> _hasTime;
    private readonly Func<KeyHash, Func<CancellationToken, Task>, CancellationToken, Task<DeferredResult>> _compress;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _loop;

    /// <summary>Makes one that begins to work when it may.</summary>
    /// <param name="queue">The blobs.</param>
    /// <param name="hasTime">Whether processors and disk have time for it.</param>
    /// <param name="compress">Compresses a blob; calls its second argument whenever it begins to work on a piece.</param>
    /// <param name="begin">Ends when work may begin.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">The log.</param>
    public DeferredCompressor(
        DeferredQueue queue, Func<bool> hasTime, Func<KeyHash, Func<CancellationToken, Task>, CancellationToken, Task<DeferredResult>> compress, Task begin, TimeProvider time, ILogger logger)
    {
        _queue = queue;
        _hasTime = hasTime;
        _compress = compress;
        _time = time;
        _logger = logger;
        _loop = Task.Run(() => RunAsync(begin));
    }

    /// <summary>When a blob that is stored now is due.</summary>
    public static Deferred DueAfterRest(KeyHash hash, TimeProvider time) => DueAfter(hash, Rest, tries: 0, time);

    /// <summary>Ends what is under way; the blob stays as it is.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        // Where what it was to begin after has failed, it never began.
        await _loop.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stop.Dispose();
    }

    private static Deferred DueAfter(KeyHash hash, TimeSpan wait, int tries, TimeProvider time) =>
        new(hash, time.GetTimestamp() + (long)(wait.TotalSeconds * time.TimestampFrequency), tries);

    private async Task RunAsync(Task begin)
    {
        try
        {
            await begin.WaitAsync(_stop.Token).ConfigureAwait(false);
            while (true)
            {
                var blob = await _queue.TakeAsync(_stop.Token).ConfigureAwait(false);
                if (_time.GetElapsedTime(_time.GetTimestamp(), blob.Due) is var wait && wait > TimeSpan.Zero)
                    await Task.Delay(wait, _time, _stop.Token).ConfigureAwait(false);
                await WaitForTimeAsync(_stop.Token).ConfigureAwait(false);
                var result = await CompressAsync(blob.Hash).ConfigureAwait(false);
                _queue.End();
                if (result == DeferredResult.NotNow && blob.Tries < MaxTries)
                    _queue.Add(DueAfter(blob.Hash, Later, blob.Tries + 1, _time));
            }
        }
        catch (OperationCanceledException)
        {
            // The store is closing.
        }
    }

    private async Task WaitForTimeAsync(CancellationToken cancellationToken)
    {
        while (!_hasTime())
            await Task.Delay(Pause, _time, cancellationToken).ConfigureAwait(false);
    }

    private async Task<DeferredResult> CompressAsync(KeyHash hash)
    {
        try
        {
            return await _compress(hash, WaitForTimeAsync, _stop.Token).ConfigureAwait(false);
        }
#pragma warning disable CA1031 // Whatever it was, the blob is as it was, and the next ones are to be tried.
        catch (Exception error) when (error is not OperationCanceledException || !_stop.IsCancellationRequested)
#pragma warning restore CA1031
        {
            LogFailed(error, hash);
            return DeferredResult.Dropped;
        }
    }

    [LoggerMessage(LogLevel.Warning, "The blob {Hash} could not be compressed; it stays as it is")]
    private partial void LogFailed(Exception error, KeyHash hash);
}
