using System.Globalization;

namespace EdgeCache.Bench.Peers;

/// <summary>Sizes of bodies as people write them: <c>4KiB</c>, <c>1MiB</c>, or plain bytes.</summary>
internal static class BodySize
{
    public const int KiB = 1024;
    public const int MiB = 1024 * KiB;

    /// <summary>Room for the stamp that makes each PUT body distinct.</summary>
    private const int Smallest = 64;
    private const int Largest = 512 * MiB;

    /// <summary>From here on one body is a load of its own: other counts of connections, another loader, another baseline.</summary>
    public static bool IsLarge(int size) => size >= MiB;

    public static bool TryParse(string text, out int size)
    {
        var (digits, unit) = text switch
        {
            _ when text.EndsWith("KiB", StringComparison.OrdinalIgnoreCase) => (text[..^3], KiB),
            _ when text.EndsWith("MiB", StringComparison.OrdinalIgnoreCase) => (text[..^3], MiB),
            _ => (text, 1),
        };
        size = 0;
        if (!int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var number) || (long)number * unit is < Smallest or > Largest)
        {
            return false;
        }

        size = number * unit;
        return true;
    }

    public static string Format(int size) => size switch
    {
        >= MiB when size % MiB == 0 => $"{size / MiB} MiB",
        >= KiB when size % KiB == 0 => $"{size / KiB} KiB",
        _ => $"{size} B",
    };
}
