using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace EdgeCache.Edge.Configuration;

/// <summary>A number of bytes, written as a plain number or with a unit: <c>B</c>, <c>KB MB GB TB</c> (powers of 1000), <c>KiB MiB GiB TiB</c> (powers of 1024).</summary>
internal readonly record struct ByteSize(long Bytes)
{
    private static readonly (string Name, long Bytes)[] Units =
    [
        ("TiB", 1L << 40), ("TB", 1_000_000_000_000), ("GiB", 1L << 30), ("GB", 1_000_000_000),
        ("MiB", 1L << 20), ("MB", 1_000_000), ("KiB", 1L << 10), ("KB", 1_000), ("B", 1),
    ];

    public static ByteSize FromMiB(long mib) => new(mib << 20);

    public static ByteSize FromGiB(long gib) => new(gib << 30);

    /// <summary>Reads a size. Units ignore case; what is negative, has a fraction or does not fit into 63 bits is refused.</summary>
    public static bool TryParse([NotNullWhen(true)] string? text, out ByteSize size)
    {
        size = default;
        var rest = text.AsSpan().Trim();
        var digits = rest.IndexOfAnyExceptInRange('0', '9');
        var unit = digits < 0 ? [] : rest[digits..].TrimStart();
        if (!long.TryParse(digits < 0 ? rest : rest[..digits], NumberStyles.None, CultureInfo.InvariantCulture, out var count) || !TryGetUnit(unit, out var factor))
            return false;
        var bytes = (Int128)count * factor;
        if (bytes > long.MaxValue)
            return false;
        size = new ByteSize((long)bytes);
        return true;
    }

    /// <summary>The shortest exact spelling, which <see cref="TryParse"/> reads back.</summary>
    public override string ToString()
    {
        foreach (var (name, factor) in Units)
        {
            if (Bytes != 0 && Bytes % factor == 0)
                return string.Create(CultureInfo.InvariantCulture, $"{Bytes / factor} {name}");
        }
        return "0 B";
    }

    private static bool TryGetUnit(ReadOnlySpan<char> text, out long factor)
    {
        factor = 1;
        if (text.IsEmpty)
            return true;
        foreach (var (name, bytes) in Units)
        {
            if (text.Equals(name, StringComparison.OrdinalIgnoreCase))
            {
                factor = bytes;
                return true;
            }
        }
        return false;
    }
}
