namespace EdgeCache.Edge.Limits;

/// <summary>
/// The generic cell rate algorithm: a token bucket in one number, the moment at which the bucket will be full again. Everything is in nanoseconds. A bucket that was
/// never used, or is full, is any moment that has passed: so 0 is a new one, and nobody has to fill buckets up.
/// </summary>
internal static class Gcra
{
    /// <summary>Takes something out of a bucket if there is enough in it.</summary>
    /// <param name="full">When the bucket will be full again.</param>
    /// <param name="now">The moment.</param>
    /// <param name="cost">How long the bucket takes to get back what is taken.</param>
    /// <param name="tolerance">How long an empty bucket takes to be full.</param>
    /// <param name="wait">After how long there will be enough; 0 or less when there is.</param>
    /// <returns>Whether there was enough. If not, nothing was taken.</returns>
    public static bool TryTake(ref long full, long now, long cost, long tolerance, out long wait)
    {
        while (true)
        {
            var seen = Volatile.Read(ref full);
            var next = Math.Max(seen, now) + cost;
            wait = next - now - tolerance;
            if (wait > 0)
                return false;
            if (Interlocked.CompareExchange(ref full, next, seen) == seen)
                return true;
        }
    }

    /// <summary>Takes something out whether or not there is enough. What is owed is paid by whoever comes later, up to a bound.</summary>
    public static void Charge(ref long full, long now, long cost, long mostOwed)
    {
        while (true)
        {
            var seen = Volatile.Read(ref full);
            var next = Math.Max(seen, Math.Min(Math.Max(seen, now) + cost, now + mostOwed));
            if (Interlocked.CompareExchange(ref full, next, seen) == seen)
                return;
        }
    }

    /// <summary>Gives back what was taken.</summary>
    public static void Refund(ref long full, long cost) => Interlocked.Add(ref full, -cost);

    /// <summary>After how long there will be something in the bucket; 0 or less when there is.</summary>
    public static long WaitFor(ref long full, long now, long tolerance) => Volatile.Read(ref full) - now - tolerance;
}
