using EdgeCache.Storage.Local.Segments;
using Microsoft.Extensions.Logging;

namespace EdgeCache.Storage.Local;

/// <summary>What came of emptying a segment.</summary>
internal enum EmptyResult
{
    /// <summary>It is gone, and its space free.</summary>
    Removed,

    /// <summary>So much of it is asked for that copying would cost more than it frees: it goes to the end of the main queue as it is.</summary>
    Stays,

    /// <summary>The file system is full, so nothing can be copied: only evicting gets room.</summary>
    NoRoom,

    /// <summary>The disk failed.</summary>
    Failed,
}

/// <summary>
/// Frees segments when the store gets full: in the background, from the high mark down to the low one. S3-FIFO (Yang et al., SOSP 2023) by segments: what comes in is on
/// probation; what was asked for meanwhile moves on to the main segments, the rest is evicted. Main segments are a ring: what was asked for goes round again.
/// </summary>
internal sealed partial class Reclaimer : IAsyncDisposable
{
    public const double HighMark = 0.95;
    private const double LowMark = 0.90;

    /// <summary>Share of the live bytes that blobs on probation may have before main segments are reclaimed too.</summary>
    private const double ProbationShare = 0.10;

    /// <summary>Below this share of live bytes a segment is worth emptying, whatever its age: little is copied for much room.</summary>
    private const double SparseShare = 0.25;

    /// <summary>Share of the store that is made free for many who wait at a time.</summary>
    private const double WaitersShare = 0.25;

    /// <summary>Laps of the main queue within one pass: as often as a blob's frequency can count down, and once more.</summary>
    private const int MaxLaps = 5;

    private static readonly TimeSpan FirstPause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan MaxPause = TimeSpan.FromSeconds(30);

    private readonly LocalStoreOptions _options;
    private readonly SpaceAccount _space;
    private readonly SegmentSet _segments;
    private readonly LogWriter _log;
    private readonly Func<Segment, bool, ValueTask<EmptyResult>> _empty;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly Task _ready;
    private readonly SemaphoreSlim _wake = new(0, 1);
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _loop;

    // Protects the list; nothing else is taken while it is held.
    private readonly Lock _waiting = new();
    private readonly List<long> _wanted = [];
    private long _turns;
    private volatile bool _hasDead;

    // The pass that has not begun yet.
    private TaskCompletionSource<bool> _next = NewPass();

    /// <summary>Makes a reclaimer that begins to work when it is woken.</summary>
    /// <param name="options">The limits.</param>
    /// <param name="space">What is taken.</param>
    /// <param name="segments">The segments.</param>
    /// <param name="log">The log, to end an active segment.</param>
    /// <param name="empty">Takes everything out of a segment and removes it; the flag says to evict nothing.</param>
    /// <param name="ready">Ends when the index knows of every record: nothing is reclaimed before.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">The log.</param>
    public Reclaimer(
        LocalStoreOptions options, SpaceAccount space, SegmentSet segments, LogWriter log, Func<Segment, bool, ValueTask<EmptyResult>> empty, Task ready, TimeProvider time, ILogger logger)
    {
        _ready = ready;
        _options = options;
        _space = space;
        _segments = segments;
        _log = log;
        _empty = empty;
        _time = time;
        _logger = logger;
        _loop = Task.Run(RunAsync);
    }

    /// <summary>To be called after a write: starts a pass when the high mark is reached.</summary>
    public void Check()
    {
        if (_space.Taken > _options.MaxBytes * HighMark)
            Wake();
    }

    /// <summary>
    /// Starts a pass that makes room for so many bytes, and waits for its end: for one that begins after this call, because one that is about to end knows nothing of
    /// it. False when that takes too long, or nothing more can be freed.
    /// </summary>
    public async ValueTask<bool> MakeRoomAsync(long bytes, TimeSpan timeout, CancellationToken cancellationToken)
    {
        if (timeout <= TimeSpan.Zero)
            return false;
        lock (_waiting)
            _wanted.Add(bytes);
        var pass = Volatile.Read(ref _next).Task;
        Wake();
        try
        {
            return await pass.WaitAsync(timeout, _time, cancellationToken).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            return false;
        }
        finally
        {
            lock (_waiting)
                _wanted.Remove(bytes);
        }
    }

    /// <summary>To be called when a segment has lost its last live record: its space can be had for nothing.</summary>
    public void NoteDead()
    {
        _hasDead = true;
        Wake();
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await _loop.ConfigureAwait(false);
        _stop.Dispose();
        _wake.Dispose();
    }

    private static TaskCompletionSource<bool> NewPass() => new(TaskCreationOptions.RunContinuationsAsynchronously);

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
            await _ready.WaitAsync(_stop.Token).ConfigureAwait(false);
            var pause = FirstPause;
            while (true)
            {
                await _wake.WaitAsync(_stop.Token).ConfigureAwait(false);
                if (await RunPassAsync(Interlocked.Exchange(ref _next, NewPass()), pause).ConfigureAwait(false))
                {
                    pause = FirstPause;
                    continue;
                }
                await Task.Delay(pause, _time, _stop.Token).ConfigureAwait(false);
                pause = pause * 2 < MaxPause ? pause * 2 : MaxPause;
                Wake();
            }
        }
        catch (OperationCanceledException)
        {
            Volatile.Read(ref _next).TrySetResult(false);
        }
    }

    /// <summary>One pass. False when it failed in a way that nobody foresaw: then those who wait are told that there is no room, and the next pass begins after a pause.</summary>
    private async Task<bool> RunPassAsync(TaskCompletionSource<bool> pass, TimeSpan pause)
    {
        var freed = false;
        try
        {
            freed = await ReclaimAsync().ConfigureAwait(false);
            return true;
        }
#pragma warning disable CA1031 // Without this loop a full store would stay full for ever, whatever it was; and a store that closes must still write its index down.
        catch (Exception error) when (error is not OperationCanceledException || !_stop.IsCancellationRequested)
#pragma warning restore CA1031
        {
            LogPassFailed(error, pause);
            return false;
        }
        finally
        {
            pass.TrySetResult(freed);
        }
    }

    /// <summary>At the low mark, or lower when that is not enough for those who wait.</summary>
    private bool IsBelowTarget() => _space.Taken <= Math.Min((long)(_options.MaxBytes * LowMark), _options.MaxBytes - Wanted());

    /// <summary>
    /// What those who wait ask for, up to a share of the store: many at a time must not empty it, those who get nothing wait for the next pass. A single one gets all
    /// that it asks for.
    /// </summary>
    private long Wanted()
    {
        lock (_waiting)
            return _wanted.Count == 0 ? 0 : Math.Max(_wanted.Max(), Math.Min(_wanted.Sum(), (long)(_options.MaxBytes * WaitersShare)));
    }

    private async Task<bool> ReclaimAsync()
    {
        var count = await RemoveDeadAsync().ConfigureAwait(false);
        var failed = new HashSet<uint>();
        // A segment that stays comes round again, each time with less to its credit: after some laps something goes.
        for (var tries = MaxLaps * (_segments.Count + 1); tries > 0 && !IsBelowTarget() && !_stop.IsCancellationRequested; tries--)
        {
            if (Choose(failed) is not var (segment, sparse))
            {
                if (!await SealAsync(failed).ConfigureAwait(false))
                    break;
                continue;
            }
            var result = await _empty(segment, sparse).ConfigureAwait(false);
            switch (result == EmptyResult.NoRoom ? await _empty(segment, false).ConfigureAwait(false) : result)
            {
                case EmptyResult.Removed: count++; break;
                case EmptyResult.Stays: segment.Stay(_segments.LastId, ++_turns); break;
                default: failed.Add(segment.Id); break;
            }
        }
        if (count > 0)
            LogReclaimed(count, _space.Used, _options.MaxBytes);
        // A store that is above its marks may still have room for who waits: somebody else freed it, or it is theirs that fills it.
        return count > 0 || _space.Taken <= _options.MaxBytes - Wanted();
    }

    private async Task<int> RemoveDeadAsync()
    {
        if (!_hasDead)
            return 0;
        _hasDead = false;
        var count = 0;
        foreach (var segment in _segments.List().Where(s => s.LiveBytes <= 0 && s.IsSealed))
            count += await _empty(segment, true).ConfigureAwait(false) == EmptyResult.Removed ? 1 : 0;
        return count;
    }

    private (Segment Segment, bool Sparse)? Choose(HashSet<uint> failed)
    {
        var all = _segments.List();
        var candidates = all.Where(s => !failed.Contains(s.Id) && s.IsSealed).OrderBy(s => s.Place).ThenBy(s => s.Turn).ToList();
        if (candidates.Count == 0)
            return null;
        if (candidates.Find(s => s.LiveBytes < s.Length * SparseShare) is { } sparse)
            return (sparse, true);
        var live = all.Sum(s => s.LiveBytes);
        var probation = all.Where(s => s.Class == SegmentClass.Probation).Sum(s => s.LiveBytes);
        var queue = probation > live * ProbationShare ? SegmentClass.Probation : SegmentClass.Main;
        return (candidates.Find(s => s.Class == queue) ?? candidates[0], false);
    }

    /// <summary>Ends the active segments, where they are all that is left to be freed. False when there are none.</summary>
    private async Task<bool> SealAsync(HashSet<uint> failed)
    {
        var hasActive = _segments.List().Exists(s => !failed.Contains(s.Id) && !s.IsSealed && s.Length > Segment.HeaderLength);
        if (hasActive)
            await _log.SealAllAsync().ConfigureAwait(false);
        return hasActive;
    }

    [LoggerMessage(LogLevel.Error, "Making room failed; it is tried again after {Pause}")]
    private partial void LogPassFailed(Exception error, TimeSpan pause);

    [LoggerMessage(LogLevel.Debug, "Freed {Count} segments; {Used} of {Max} bytes in use")]
    private partial void LogReclaimed(int count, long used, long max);
}
