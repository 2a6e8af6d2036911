namespace EdgeCache.Edge.Limits;

/// <summary>The time for limits: nanoseconds since the node was made, which only goes forward.</summary>
internal sealed class LimitClock(TimeProvider time)
{
    private const long NanosecondsPerTick = 100;

    private readonly long _start = time.GetTimestamp();

    /// <summary>Nanoseconds since the start; more than 0.</summary>
    public long Now => (time.GetElapsedTime(_start).Ticks * NanosecondsPerTick) + 1;
}
