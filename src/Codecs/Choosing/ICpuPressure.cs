namespace EdgeCache.Codecs.Choosing;

/// <summary>How busy the processors are.</summary>
public interface ICpuPressure
{
    /// <summary>From 0, idle, to 1, all of them all of the time. Cheap.</summary>
    double Current { get; }
}

/// <summary>
/// How much of the processors this process has used lately, and how busy they are with everything. Measured at most every quarter of a second, when somebody asks.
/// </summary>
/// <remarks>
/// A process that shares its processors with those who ask it for something never has them all to itself: it is overloaded when they are never idle and it uses a good part of them. Where
/// it does not, as on the machine of a build, it counts as busy and no more, or nothing would ever be compressed there. What the machine does says nothing to a process that may use
/// only some of its processors, as in a container.
/// </remarks>
/// <param name="time">The clock.</param>
/// <param name="cpuTime">Processor time that the process has used since its start.</param>
/// <param name="processors">How many there are.</param>
/// <param name="machine">What all processors together have done; null where nobody can tell.</param>
public sealed class ProcessCpuPressure(TimeProvider time, Func<TimeSpan> cpuTime, int processors, Func<MachineCpu?>? machine = null) : ICpuPressure
{
    /// <summary>The part of the processors from which on what keeps them busy counts as this process' own.</summary>
    private const double MuchOfIt = 0.35;

    /// <summary>Most that counts of what others do: busy, and still below what stops all compressing.</summary>
    private const double MostOfOthers = 0.9;

    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(250);

    // Protects the samples below. Held while one asker measures; the others take what was measured last.
    private readonly Lock _lock = new();
    private long _at = time.GetTimestamp();
    private TimeSpan _used = cpuTime();
    private MachineCpu? _machine = machine?.Invoke();
    private double _current;

    /// <summary>Of this process, on all processors that it may use.</summary>
    public static ProcessCpuPressure OfThisProcess(TimeProvider time) => new(time, static () => Environment.CpuUsage.TotalTime, Environment.ProcessorCount, MachineCpu.Read);

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
        var own = Math.Clamp((used - _used) / elapsed / processors, 0, 1);
        var now = machine?.Invoke();
        var all = now is { } after && _machine is { } before && after.ProcessorsSince(before, elapsed) < processors + 0.5 ? after.BusySince(before) : 0;
        Volatile.Write(ref _current, Math.Max(own, own >= MuchOfIt ? all : Math.Min(all, MostOfOthers)));
        (_used, _machine) = (used, now);
        Volatile.Write(ref _at, time.GetTimestamp());
    }
}
