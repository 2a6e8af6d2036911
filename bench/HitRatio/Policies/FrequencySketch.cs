using System.Numerics;

namespace EdgeCache.Bench.HitRatio.Policies;

/// <summary>A count-min sketch of four rows, counters up to 15, all halved after ten requests for each entry of the cache.</summary>
internal sealed class FrequencySketch
{
    private const int Rows = 4;
    private const int Most = 15;

    private static readonly ulong[] Multipliers = [0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0xD6E8FEB86659FD93];

    private readonly byte[][] _rows = new byte[Rows][];
    private readonly int _shift;
    private readonly int _period;
    private int _requests;

    public FrequencySketch(int entries)
    {
        var width = BitOperations.RoundUpToPowerOf2((uint)Math.Max(64, 4 * entries));
        _shift = 64 - BitOperations.Log2(width);
        _period = 10 * Math.Max(16, entries);
        for (var row = 0; row < Rows; row++)
        {
            _rows[row] = new byte[width];
        }
    }

    public void Count(int id)
    {
        for (var row = 0; row < Rows; row++)
        {
            ref var counter = ref _rows[row][Slot(id, row)];
            counter += counter < Most ? (byte)1 : (byte)0;
        }

        if (++_requests >= _period)
        {
            Halve();
        }
    }

    public int Estimate(int id)
    {
        var least = Most;
        for (var row = 0; row < Rows; row++)
        {
            least = Math.Min(least, _rows[row][Slot(id, row)]);
        }

        return least;
    }

    private void Halve()
    {
        _requests /= 2;
        foreach (var row in _rows)
        {
            for (var slot = 0; slot < row.Length; slot++)
            {
                row[slot] >>= 1;
            }
        }
    }

    private int Slot(int id, int row) => (int)(((ulong)id + 1) * Multipliers[row] >> _shift);
}
