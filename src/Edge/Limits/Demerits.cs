namespace EdgeCache.Edge.Limits;

/// <summary>
/// How bad a client's conduct was, in one number: thousandths of a point, 0 to <see cref="Most"/>, and the moment of which that is true. Points go away by themselves as time goes on. The
/// limits of a client scale with its score, from which a few slips take nothing; from <see cref="Floor"/> on it is locked out, until enough has gone away: that is a fifth of the recovery at the longest.
/// </summary>
internal static class Demerits
{
    /// <summary>The worst conduct, in thousandths of a point.</summary>
    public const int Most = 1_000_000;

    /// <summary>From here on a client is locked out.</summary>
    public const int Floor = 800_000;

    /// <summary>Up to here the limits are whole.</summary>
    private const int Forgivable = 100_000;

    /// <summary>What is left of the limits of somebody who is just not locked out.</summary>
    private const double LeastShare = 0.1;

    private const int PointBits = 24;
    private const long PointMask = (1 << PointBits) - 1;
    private const long NanosecondsPerMillisecond = 1_000_000;

    public static bool AreAny(long word) => (word & PointMask) != 0;

    /// <summary>What is left of the points now.</summary>
    /// <param name="word">The number that is kept.</param>
    /// <param name="now">The moment, in nanoseconds.</param>
    /// <param name="recovery">How long the most of them take to go away, in nanoseconds.</param>
    public static int At(long word, long now, long recovery)
    {
        var points = word & PointMask;
        if (points == 0)
            return 0;
        var gone = (double)(now - ((word >> PointBits) * NanosecondsPerMillisecond)) / recovery * Most;
        return (int)Math.Clamp(points - gone, 0, Most);
    }

    /// <summary>Adds points, or takes some away where the number is below 0.</summary>
    public static void Add(ref long word, int points, long now, long recovery)
    {
        while (true)
        {
            var seen = Volatile.Read(ref word);
            var sum = Math.Clamp(At(seen, now, recovery) + points, 0, Most);
            var next = sum == 0 ? 0 : (now / NanosecondsPerMillisecond << PointBits) | (long)sum;
            if (Interlocked.CompareExchange(ref word, next, seen) == seen)
                return;
        }
    }

    /// <summary>The part of its limits that a client has with these points, 0.1 to 1.</summary>
    public static double ShareOf(int points) => points <= Forgivable ? 1 : Math.Max(LeastShare, 1 - ((double)(points - Forgivable) / (Floor - Forgivable)));

    /// <summary>How long a client is still locked out, in nanoseconds; 0 when it is not.</summary>
    public static long LockOutOf(int points, long recovery) => points < Floor ? 0 : (long)((double)(points - Floor + 1) / Most * recovery);
}
