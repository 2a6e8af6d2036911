using System.Numerics;
using System.Runtime.InteropServices;

namespace EdgeCache.Codecs.Estimating;

/// <summary>Counts how often each byte comes.</summary>
internal static class ByteHistogram
{
    public const int Length = 256;

    /// <summary>Tables that are counted in by turns: equal bytes in a row would wait for each other's count to be written.</summary>
    private const int Tables = 4;

    /// <summary>Numbers that the tables take together; the caller's, cleared.</summary>
    public const int ScratchLength = Tables * Length;

    /// <summary>Adds the counts of some bytes, eight at a time.</summary>
    public static void Add(ReadOnlySpan<byte> bytes, Span<uint> scratch)
    {
        ref var first = ref MemoryMarshal.GetReference(scratch[..ScratchLength]);
        ref var second = ref scratch[Length];
        ref var third = ref scratch[2 * Length];
        ref var fourth = ref scratch[3 * Length];
        foreach (var word in MemoryMarshal.Cast<byte, ulong>(bytes))
        {
            Count(ref first, (byte)word);
            Count(ref second, (byte)(word >> 8));
            Count(ref third, (byte)(word >> 16));
            Count(ref fourth, (byte)(word >> 24));
            Count(ref first, (byte)(word >> 32));
            Count(ref second, (byte)(word >> 40));
            Count(ref third, (byte)(word >> 48));
            Count(ref fourth, (byte)(word >> 56));
        }
        foreach (var value in bytes[(bytes.Length & ~7)..])
            Count(ref first, value);
    }

    /// <summary>Sums the tables into the first, as many counts at a time as the processor's vectors hold.</summary>
    public static Span<uint> Sum(Span<uint> scratch)
    {
        for (var i = 0; i < Length; i += Vector<uint>.Count)
        {
            var sum = new Vector<uint>(scratch[i..]) + new Vector<uint>(scratch[(i + Length)..]) + new Vector<uint>(scratch[(i + (2 * Length))..]) + new Vector<uint>(scratch[(i + (3 * Length))..]);
            sum.CopyTo(scratch[i..]);
        }
        return scratch[..Length];
    }

    private static void Count(ref uint table, byte value) => System.Runtime.CompilerServices.Unsafe.Add(ref table, (nint)value)++;
}
