using EdgeCache.Storage.Local.Index;
using Microsoft.Extensions.Logging;

namespace EdgeCache.Storage.Local.Scrubbing;

/// <summary>
/// Has every blob of a running store re-hashed now and then. When a blob was last found good is in the index, so a restart does not begin again.
/// </summary>
internal sealed partial class ScrubSchedule : IAsyncDisposable
{
    private static readonly TimeSpan Tick = TimeSpan.FromMinutes(1);

    private readonly Scrubber _scrubber;
    private readonly Func<ScrubPlan> _plan;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _stop = new();
    private readonly PeriodicTimer _timer;
    private readonly Task _loop;

    /// <summary>
    /// Makes a schedule that begins when the index is complete and the folder has been looked at: until then what it points to may be superseded, and what is damaged of that is no loss;
    /// and a file that has just lost its entry may be removed before it can be put aside.
    /// </summary>
    public ScrubSchedule(Scrubber scrubber, Func<ScrubPlan> plan, Task begin, TimeProvider time, ILogger logger)
    {
        _scrubber = scrubber;
        _plan = plan;
        _time = time;
        _logger = logger;
        _timer = new PeriodicTimer(Tick, time);
        _loop = Task.Run(() => RunAsync(begin));
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        _timer.Dispose();
        await _loop.ConfigureAwait(false);
        _stop.Dispose();
    }

    private async Task RunAsync(Task begin)
    {
        await begin.WaitAsync(_stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        while (await _timer.WaitForNextTickAsync().ConfigureAwait(false))
        {
            try
            {
                await ScrubAsync().ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                return;
            }
#pragma warning disable CA1031 // Whatever it was, the next tick tries again.
            catch (Exception error)
#pragma warning restore CA1031
            {
                LogFailed(error);
            }
        }
    }

    private async Task ScrubAsync()
    {
        if (_plan().Interval <= TimeSpan.Zero)
            return;
        var found = await _scrubber.ScrubAsync(IsDue, new RateLimit(() => _plan().BytesPerSecond, _time), null, _stop.Token).ConfigureAwait(false);
        if (found.Damaged + found.Unreadable > 0)
            LogDamage(found.Blobs, found.Bytes, found.Damaged, found.Unreadable);
        else if (found.Blobs > 0)
            LogClean(found.Blobs, found.Bytes);
    }

    /// <summary>By the plan of this moment: one that is switched off meanwhile ends with the shard.</summary>
    private bool IsDue(IndexEntry entry) =>
        _plan().Interval is var interval && interval > TimeSpan.Zero && _time.GetUtcNow().ToUnixTimeSeconds() is var now && now - entry.KnownGoodSeconds(now) >= interval.TotalSeconds;

    [LoggerMessage(LogLevel.Debug, "Scrubbed {Blobs} blobs, {Bytes} bytes; all are good")]
    private partial void LogClean(long blobs, long bytes);

    [LoggerMessage(LogLevel.Error, "Scrubbed {Blobs} blobs, {Bytes} bytes: {Damaged} damaged, which are in quarantine and count as missing; {Unreadable} could not be read")]
    private partial void LogDamage(long blobs, long bytes, long damaged, long unreadable);

    [LoggerMessage(LogLevel.Error, "The scrub ended early; it goes on in a minute")]
    private partial void LogFailed(Exception error);
}
