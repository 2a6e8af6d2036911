using Microsoft.Extensions.Time.Testing;

namespace EdgeCache.Storage.Log.Tests;

/// <summary>A clock that stands still, and says when somebody waits for it. Lets a test act in the middle of an operation that asks for the time.</summary>
internal sealed class StepClock : TimeProvider, IDisposable
{
    private readonly FakeTimeProvider _inner = new(new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero));
    private readonly SemaphoreSlim _timers = new(0);

    /// <summary>Called whenever the time of day is asked for.</summary>
    public Action? OnGetUtcNow { get; set; }

    public override long TimestampFrequency => _inner.TimestampFrequency;

    public override DateTimeOffset GetUtcNow()
    {
        OnGetUtcNow?.Invoke();
        return _inner.GetUtcNow();
    }

    public override long GetTimestamp() => _inner.GetTimestamp();

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = _inner.CreateTimer(callback, state, dueTime, period);
        _timers.Release();
        return timer;
    }

    /// <summary>Waits until somebody waits for the time to pass, and lets it pass.</summary>
    public async Task StepAsync(TimeSpan time, CancellationToken cancellationToken)
    {
        (await _timers.WaitAsync(TimeSpan.FromSeconds(20), cancellationToken)).ShouldBeTrue("nobody waits for the time to pass");
        _inner.Advance(time);
    }

    public void Dispose() => _timers.Dispose();
}
