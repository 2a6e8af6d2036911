using System.Runtime.CompilerServices;

namespace EdgeCache.Codecs.Estimating;

/// <summary>
/// Estimates how many bits a byte of content carries (its Shannon entropy), from samples all over it: an archive whose head is a list of names is not taken for text. 8 is
/// noise, or compressed; machine code has about 6, text 4 to 5.
/// </summary>
public static class EntropyEstimate
{
    private const int SampleLength = 1024;

    /// <summary>Samples that are looked at, however long the content is.</summary>
    private const int MaxSamples = 32;

    /// <summary>Estimates the entropy of content.</summary>
    /// <param name="content">The content, or as much as there is of it.</param>
    /// <returns>Bits a byte, 0 to 8.</returns>
    [SkipLocalsInit]
    public static double BitsPerByte(ReadOnlySpan<byte> content)
    {
        Span<uint> counts = stackalloc uint[ByteHistogram.ScratchLength];
        counts.Clear();
        var total = 0;
        foreach (var start in new Samples(content.Length))
        {
            var sample = content.Slice(start, Math.Min(SampleLength, content.Length - start));
            ByteHistogram.Add(sample, counts);
            total += sample.Length;
        }
        return total == 0 ? 0 : Entropy(ByteHistogram.Sum(counts), total);
    }

    private static double Entropy(ReadOnlySpan<uint> counts, int total)
    {
        var (sum, kinds) = (0.0, 0);
        foreach (var count in counts)
        {
            if (count == 0)
                continue;
            sum += count * Math.Log2(count);
            kinds++;
        }
        // Few bytes can't show all there is: the correction of Miller and Madow, without which short noise would look compressible.
        var missed = (kinds - 1) / (2 * Math.Log(2) * total);
        return Math.Clamp(Math.Log2(total) - (sum / total) + missed, 0, 8);
    }

    /// <summary>Where the samples begin: all of what is short, and spread evenly over what is long, the first at its start and the last at its end.</summary>
    private ref struct Samples(int length)
    {
        private readonly int _count = Math.Min(MaxSamples, (length + SampleLength - 1) / SampleLength);
        private int _next;

        public int Current { get; private set; }

        public readonly Samples GetEnumerator() => this;

        public bool MoveNext()
        {
            if (_next == _count)
                return false;
            Current = length <= MaxSamples * SampleLength ? _next * SampleLength : (int)((long)(length - SampleLength) * _next / (MaxSamples - 1));
            _next++;
            return true;
        }
    }
}
