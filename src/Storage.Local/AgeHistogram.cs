using System.Numerics;

namespace EdgeCache.Storage.Local;

/// <summary>
/// Bytes by age, in classes that are a sixteenth of their age wide: enough to say from which age on so many bytes can go, in memory that does not depend on how
/// many blobs there are.
/// </summary>
internal sealed class AgeHistogram
{
    private const int FineBits = 4;
    private const int Fine = 1 << FineBits;
    private readonly long[] _bytes = new long[ClassOf(uint.MaxValue) + 1];

    /// <summary>All bytes that were added.</summary>
    public long Total { get; private set; }

    /// <summary>The class of an age in seconds; the older, the larger.</summary>
    public static int ClassOf(long age)
    {
        var seconds = (uint)Math.Clamp(age, 0, uint.MaxValue);
        if (seconds < Fine)
            return (int)seconds;
        var shift = BitOperations.Log2(seconds) - FineBits;
        return ((shift + 1) << FineBits) + (int)(seconds >> shift) - Fine;
    }

    public void Add(long age, long bytes)
    {
        _bytes[ClassOf(age)] += bytes;
        Total += bytes;
    }

    /// <summary>Takes so many bytes of the oldest: all of those above a class, and some of it.</summary>
    public (int Class, long BytesOfIt) TakeOldest(long bytes)
    {
        var each = _bytes.Length - 1;
        for (; each > 0 && _bytes[each] < bytes; each--)
            bytes -= _bytes[each];
        return (each, bytes);
    }
}
