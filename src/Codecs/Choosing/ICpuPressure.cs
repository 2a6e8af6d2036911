namespace EdgeCache.Codecs.Choosing;

/// <summary>How busy the processors are.</summary>
public interface ICpuPressure
{
    /// <summary>From 0, idle, to 1, all of them all of the time. Cheap.</summary>
    double Current { get; }
}

/// <summary>
/// How much of the processors this process has used lately. Measured at most every quarter of a second, when somebody asks.
/// </summary>
/// <param name="time">The clock.</param>
/// <param name="cpuTime">Processor time that the process has used since its start.</param>
/// <param name="processors">How many there are.</param>
public sealed class ProcessCpuPressure(TimeProvider time, Func<TimeSpan> cpuTime, int processors) : ICpuPressure
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(250);

    // Protects the sample below. Held while one asker measures; the others take what was measured last.
    private readonly Lock _lock = new();
    private long _at = time.GetTimestamp();
    private TimeSpan _used = cpuTime();
    private double _current;

    /// <summary>Of this process, on all processors that it may use.</summary>
    public static ProcessCpuPressure OfThisProcess(TimeProvider time) => new(time, static () => Environment.CpuUsage.TotalTime, Environment.ProcessorCount);

    /// <inheritdoc/>
    public double Current
    {
        get
        {
            if (time.GetElapsedTime(Volatile.Read(ref _at)) >= Interval && _lock.TryEnter())
            {
                try
                {
                    Measure();
                }
                finally
                {
                    _lock.Exit();
                }
            }
            return Volatile.Read(ref _current);
        }
    }

    private void Measure()
    {
        var elapsed = time.GetElapsedTime(_at);
        if (elapsed < Interval)
            return;
        var used = cpuTime();
        Volatile.Write(ref _current, Math.Clamp((used - _used) / elapsed / processors, 0, 1));
        _used = used;
        Volatile.Write(ref _at, time.GetTimestamp());
    }
}
