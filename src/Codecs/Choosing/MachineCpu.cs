using System.Buffers.Text;

namespace EdgeCache.Codecs.Choosing;

/// <summary>What all processors of the machine have done since it started, in ticks of the system.</summary>
/// <param name="All">All ticks.</param>
/// <param name="Idle">Those in which there was nothing to do, or only a disk to wait for.</param>
public readonly record struct MachineCpu(long All, long Idle)
{
    /// <summary>USER_HZ: what Linux tells, whatever its own clock does.</summary>
    private const int TicksPerSecond = 100;

    /// <summary>The line has ten numbers at most.</summary>
    private const int MaxLineLength = 256;

    /// <summary>From 0 to 1: the part of the time since an earlier sample in which the processors had something to do.</summary>
    public double BusySince(MachineCpu earlier) => All > earlier.All ? Math.Clamp(1 - ((double)(Idle - earlier.Idle) / (All - earlier.All)), 0, 1) : 0;

    /// <summary>How many processors have done that, by the time that has passed.</summary>
    public double ProcessorsSince(MachineCpu earlier, TimeSpan elapsed) => (All - earlier.All) / (elapsed.TotalSeconds * TicksPerSecond);

    /// <summary>Asks the system; null where it does not tell (proc(5) of Linux does).</summary>
    public static MachineCpu? Read()
    {
        if (!OperatingSystem.IsLinux())
            return null;
        try
        {
            using var file = File.OpenHandle("/proc/stat");
            Span<byte> line = stackalloc byte[MaxLineLength];
            return Parse(line[..RandomAccess.Read(file, line, 0)]);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // A sandbox without it: then what the process itself uses has to do.
            return null;
        }
    }

    /// <summary>Reads the first line of /proc/stat: user, nice, system, idle, iowait, irq, softirq, steal; what guests had is in user already.</summary>
    internal static MachineCpu? Parse(ReadOnlySpan<byte> text)
    {
        const int fields = 8;
        if (!text.StartsWith("cpu "u8))
            return null;
        text = text[4..];
        var (all, idle) = (0L, 0L);
        for (var field = 0; field < fields; field++)
        {
            text = text.TrimStart((byte)' ');
            if (!Utf8Parser.TryParse(text, out long ticks, out var length) || ticks < 0)
                return null;
            text = text[length..];
            all += ticks;
            if (field is 3 or 4)
                idle += ticks;
        }
        return new(all, idle);
    }
}
