using EdgeCache.Storage.Local.Index;
using Microsoft.Extensions.Logging;

namespace EdgeCache.Storage.Local;

/// <summary>
/// Keeps namespaces within their limits, in the background: evicts what is too old, and what is worth least where a namespace is nearly full.
/// </summary>
/// <remarks>
/// Worth least is what nobody asked for, the oldest first. So a flood of blobs that are written once pushes out itself, and not what is in use. What was asked for long ago must
/// not stay for ever: when less than a tenth of the namespace is left that nobody asked for, everything else is counted down by one, which makes a blob that is not
/// asked for again idle after some such rounds. It is what the store itself does segment by segment (docs/adr/0002-eviction.md), without its order of segments.
/// <para>A look at everything goes shard by shard, so that the index is never copied as a whole.</para>
/// </remarks>
internal sealed partial class NamespaceSweeper : IAsyncDisposable
{
    /// <summary>How often limits are read anew and quotas looked at. A full namespace wakes the sweeper at once.</summary>
    private static readonly TimeSpan Tick = TimeSpan.FromSeconds(1);

    /// <summary>Old blobs are missing at once; their space may wait that long.</summary>
    private static readonly TimeSpan AgeInterval = TimeSpan.FromMinutes(1);

    /// <summary>After a fault.</summary>
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(30);

    /// <summary>Before blobs are looked through again of which too many are pinned, while somebody waits for room.</summary>
    private static readonly TimeSpan PinnedPause = TimeSpan.FromMilliseconds(100);

    /// <summary>About so many evictions share their syncs.</summary>
    private const int BatchLength = 1024;

    /// <summary>Share of a quota that blobs have for being asked for the first time.</summary>
    private const double IdleShare = 0.10;

    private readonly BlobIndex _index;
    private readonly NamespaceTable _namespaces;
    private readonly NamespaceLimitTable _limits;
    private readonly QuotaGate _gate;
    private readonly Func<List<IndexEntry>, EvictionReason, Task<bool>> _evict;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly SemaphoreSlim _wake = new(0, 1);
    private readonly CancellationTokenSource _stop = new();
    private readonly ITimer _timer;
    private readonly Task _loop;
    private long? _lastAge;
    private bool _hasMetPinned;

    /// <summary>Makes a sweeper that begins to work as soon as it may.</summary>
    /// <param name="index">What there is.</param>
    /// <param name="namespaces">The namespaces' numbers.</param>
    /// <param name="limits">Their limits.</param>
    /// <param name="gate">Those who want to get into a namespace.</param>
    /// <param name="evict">Evicts blobs, and has freed their space when it ends; leaves alone what has changed since. False when some of them are pinned.</param>
    /// <param name="begin">Ends when work may begin.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">The log.</param>
    public NamespaceSweeper(
        BlobIndex index, NamespaceTable namespaces, NamespaceLimitTable limits, QuotaGate gate, Func<List<IndexEntry>, EvictionReason, Task<bool>> evict, Task begin, TimeProvider time, ILogger logger)
    {
        _index = index;
        _namespaces = namespaces;
        _limits = limits;
        _gate = gate;
        _evict = evict;
        _time = time;
        _logger = logger;
        gate.Wake = Wake;
        _timer = time.CreateTimer(_ => Wake(), null, TimeSpan.Zero, Tick);
        _loop = Task.Run(() => RunAsync(begin));
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await _timer.DisposeAsync().ConfigureAwait(false);
        await _loop.ConfigureAwait(false);
        _stop.Dispose();
        _wake.Dispose();
    }

    private void Wake()
    {
        try
        {
            _wake.Release();
        }
        catch (Exception error) when (error is SemaphoreFullException or ObjectDisposedException)
        {
            // It has been woken already and has not yet begun; or the store is closing, and no room is needed any more.
        }
    }

    private async Task RunAsync(Task begin)
    {
        try
        {
            await begin.WaitAsync(_stop.Token).ConfigureAwait(false);
            while (true)
            {
                await _wake.WaitAsync(_stop.Token).ConfigureAwait(false);
                var isGood = await TrySweepAsync().ConfigureAwait(false);
                _gate.EndPass();
                if (!isGood || _hasMetPinned)
                    await Task.Delay(isGood ? PinnedPause : Pause, _time, _stop.Token).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException)
        {
            _gate.EndPass();
        }
    }

    private async Task<bool> TrySweepAsync()
    {
        try
        {
            await SweepAsync().ConfigureAwait(false);
            return true;
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            throw;
        }
#pragma warning disable CA1031 // Whatever it was, the next pass may succeed, and without any pass full namespaces would take nothing more.
        catch (Exception error)
#pragma warning restore CA1031
        {
            LogFailed(error);
            return false;
        }
    }

    private async Task SweepAsync()
    {
        _limits.Refresh();
        _hasMetPinned = false;
        var limited = _namespaces.List().Select(n => (Id: n.Value, Limits: _limits.Of(n.Value, n.Key))).ToList();
        if (_lastAge is not { } last || _time.GetElapsedTime(last) >= AgeInterval)
        {
            _lastAge = _time.GetTimestamp();
            await EvictOldAsync(limited.Where(n => n.Limits.Retention is not null).ToDictionary(n => n.Id, n => n.Limits.Retention!.Value)).ConfigureAwait(false);
        }
        foreach (var (id, limits) in limited.Where(n => n.Limits.QuotaBytes < long.MaxValue))
        {
            if (_gate.TakeExcess(id, limits.QuotaBytes) is > 0 and var excess)
                await EvictIdleAsync(id, limits.QuotaBytes, excess).ConfigureAwait(false);
        }
    }

    private async Task EvictOldAsync(Dictionary<ushort, TimeSpan> retentions)
    {
        if (retentions.Count == 0)
            return;
        var now = Now;
        await EvictWhereAsync(e => retentions.TryGetValue(e.NamespaceId, out var keep) && now - e.CreatedSeconds >= keep.TotalSeconds, EvictionReason.Age).ConfigureAwait(false);
    }

    /// <summary>Evicts so many bytes of a namespace.</summary>
    private async Task EvictIdleAsync(ushort id, long quota, long excess)
    {
        var now = Now;
        var idle = MeasureIdle(id, now);
        for (var lap = 0; lap < IndexEntry.MaxFrequency && idle.Total < Math.Max(excess, quota * IdleShare); lap++)
        {
            CountDown(id);
            idle = MeasureIdle(id, now);
        }
        var (oldest, left) = idle.TakeOldest(excess);
        await EvictWhereAsync(IsWorthLeast, EvictionReason.Quota).ConfigureAwait(false);
        LogKept(excess);

        bool IsWorthLeast(IndexEntry entry)
        {
            if (entry.NamespaceId != id || entry.Frequency > 0)
                return false;
            var age = AgeHistogram.ClassOf(now - entry.CreatedSeconds);
            if (age == oldest && left > 0)
                left -= entry.Bytes;
            else if (age <= oldest)
                return false;
            return true;
        }
    }

    private AgeHistogram MeasureIdle(ushort id, long now)
    {
        var ages = new AgeHistogram();
        for (var shard = 0; shard < BlobIndex.ShardCount; shard++)
        {
            using var copy = _index.CopyShard(shard);
            foreach (ref readonly var entry in copy.Entries)
            {
                if (entry.NamespaceId == id && entry.Frequency == 0)
                    ages.Add(now - entry.CreatedSeconds, entry.Bytes);
            }
        }
        return ages;
    }

    private void CountDown(ushort id)
    {
        for (var shard = 0; shard < BlobIndex.ShardCount; shard++)
        {
            using var copy = _index.CopyShard(shard);
            foreach (ref readonly var entry in copy.Entries)
            {
                if (entry.NamespaceId == id && entry.Frequency > 0)
                    _index.TryUpdate(entry.Hash, entry.Segment, entry.Offset, default(CountDown));
            }
        }
    }

    private async Task EvictWhereAsync(Func<IndexEntry, bool> isDue, EvictionReason reason)
    {
        var due = new List<IndexEntry>();
        IOException? fault = null;
        for (var shard = 0; shard < BlobIndex.ShardCount; shard++)
        {
            _stop.Token.ThrowIfCancellationRequested();
            Find(shard, isDue, due);
            if (due.Count < BatchLength && (shard < BlobIndex.ShardCount - 1 || due.Count == 0))
                continue;
            try
            {
                _hasMetPinned |= !await _evict(due, reason).ConfigureAwait(false);
            }
            catch (IOException error)
            {
                // What comes after it may succeed.
                fault = error;
            }
            due.Clear();
        }
        if (fault is not null)
            throw fault;
    }

    private void Find(int shard, Func<IndexEntry, bool> isDue, List<IndexEntry> found)
    {
        using var copy = _index.CopyShard(shard);
        foreach (ref readonly var entry in copy.Entries)
        {
            if (isDue(entry))
                found.Add(entry);
        }
    }

    private long Now => _time.GetUtcNow().ToUnixTimeSeconds();

    [LoggerMessage(LogLevel.Error, "Namespaces could not be kept within their limits; it is tried again")]
    private partial void LogFailed(Exception error);

    [LoggerMessage(LogLevel.Debug, "Evicted about {Bytes} bytes of a namespace that was nearly full")]
    private partial void LogKept(long bytes);
}
