namespace EdgeCache.Storage.Local;

/// <summary>
/// Has the index written down now and then, so that a start after a crash has little to replay: when much was written, or some time after something was.
/// </summary>
internal sealed class Snapshotter : IAsyncDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan MaxAge = TimeSpan.FromMinutes(5);

    /// <summary>Reading so much of the log again takes a start a part of a second.</summary>
    private const long MaxReplayBytes = 128 << 20;

    private readonly Func<long> _written;
    private readonly Func<Task> _write;
    private readonly TimeProvider _time;
    private readonly PeriodicTimer _timer;
    private readonly Task _loop;
    private long _last;
    private long _lastTime;

    /// <summary>Begins to watch.</summary>
    /// <param name="written">Bytes that have been appended to the log since the start.</param>
    /// <param name="write">Writes the index down. Does not throw.</param>
    /// <param name="time">The clock.</param>
    public Snapshotter(Func<long> written, Func<Task> write, TimeProvider time)
    {
        _written = written;
        _write = write;
        _time = time;
        _lastTime = time.GetTimestamp();
        _timer = new PeriodicTimer(Interval, time);
        _loop = RunAsync();
    }

    public async ValueTask DisposeAsync()
    {
        _timer.Dispose();
        await _loop.ConfigureAwait(false);
    }

    private async Task RunAsync()
    {
        while (await _timer.WaitForNextTickAsync().ConfigureAwait(false))
        {
            var written = _written();
            if (written == _last || (written - _last < MaxReplayBytes && _time.GetElapsedTime(_lastTime) < MaxAge))
                continue;
            await _write().ConfigureAwait(false);
            _last = written;
            _lastTime = _time.GetTimestamp();
        }
    }
}
