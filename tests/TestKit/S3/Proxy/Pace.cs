namespace EdgeCache.TestKit;

/// <summary>Lets a number of bytes a second through, for all who share it.</summary>
internal sealed class Pace(TimeProvider time)
{
    /// <summary>How far the bytes may be ahead of their time: shorter waits than this are not exact.</summary>
    private static readonly TimeSpan Slack = TimeSpan.FromMilliseconds(2);

    /// <summary>How much of a wait that took too long is made up for.</summary>
    private static readonly TimeSpan Credit = TimeSpan.FromMilliseconds(20);

    // Protects _due.
    private readonly Lock _gate = new();
    private long _bytesPerSecond;
    private long _due = time.GetTimestamp();

    /// <summary>Null for no limit.</summary>
    public long? BytesPerSecond
    {
        get => Volatile.Read(ref _bytesPerSecond) is > 0 and var limit ? limit : null;
        set => Volatile.Write(ref _bytesPerSecond, value ?? 0);
    }

    /// <summary>Most bytes to pass at once, so that a slow pace is even.</summary>
    public int Step => (int)Math.Clamp((BytesPerSecond ?? long.MaxValue) / 20, 1, HttpPeer.BufferLength);

    public async ValueTask PassAsync(int bytes, CancellationToken cancellationToken)
    {
        if (BytesPerSecond is not { } limit)
            return;
        TimeSpan wait;
        lock (_gate)
        {
            var now = time.GetTimestamp();
            _due = Math.Max(_due, now - (long)(Credit.TotalSeconds * time.TimestampFrequency)) + (long)((double)bytes / limit * time.TimestampFrequency);
            wait = time.GetElapsedTime(now, _due);
        }
        if (wait > Slack)
            await Task.Delay(wait, time, cancellationToken);
    }
}
