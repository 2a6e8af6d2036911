using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace EdgeCache.Edge.Configuration;

/// <summary>A time span as people write it: a whole number with <c>ms</c>, <c>s</c>, <c>m</c>, <c>h</c> or <c>d</c>, or the .NET form <c>hh:mm:ss</c>.</summary>
internal static class Duration
{
    private static readonly (string Name, long Ticks)[] Units =
    [
        ("d", TimeSpan.TicksPerDay), ("h", TimeSpan.TicksPerHour), ("m", TimeSpan.TicksPerMinute),
        ("s", TimeSpan.TicksPerSecond), ("ms", TimeSpan.TicksPerMillisecond),
    ];

    /// <summary>Reads a time span. A number without a unit is refused: .NET would take "30" for 30 days, and nobody means that.</summary>
    public static bool TryParse([NotNullWhen(true)] string? text, out TimeSpan value)
    {
        value = default;
        var rest = text.AsSpan().Trim();
        if (rest.Contains(':'))
            return TimeSpan.TryParse(rest, CultureInfo.InvariantCulture, out value);
        var digits = rest.IndexOfAnyExceptInRange('0', '9');
        if (digits <= 0 || !long.TryParse(rest[..digits], NumberStyles.None, CultureInfo.InvariantCulture, out var count))
            return false;
        var unit = rest[digits..].TrimStart();
        foreach (var (name, factor) in Units)
        {
            if (!unit.Equals(name, StringComparison.OrdinalIgnoreCase))
                continue;
            var ticks = (Int128)count * factor;
            if (ticks > long.MaxValue)
                return false;
            value = new TimeSpan((long)ticks);
            return true;
        }
        return false;
    }

    /// <summary>The shortest exact spelling, which <see cref="TryParse"/> reads back.</summary>
    public static string Format(TimeSpan value)
    {
        if (value == TimeSpan.Zero)
            return "0s";
        foreach (var (name, factor) in Units)
        {
            if (value.Ticks > 0 && value.Ticks % factor == 0)
                return string.Create(CultureInfo.InvariantCulture, $"{value.Ticks / factor}{name}");
        }
        return value.ToString("c", CultureInfo.InvariantCulture);
    }
}
