namespace EdgeCache.Bench.HitRatio.Traces;

/// <summary>Ranks 0 to n − 1, rank r with a weight of 1 / (r + 1)^α.</summary>
internal sealed class Zipf
{
    private readonly double[] _upTo;

    public Zipf(int count, double alpha)
    {
        _upTo = new double[count];
        var sum = 0.0;
        for (var rank = 0; rank < count; rank++)
        {
            sum += Math.Pow(rank + 1, -alpha);
            _upTo[rank] = sum;
        }
    }

    public int Next(Random random)
    {
        var found = Array.BinarySearch(_upTo, random.NextDouble() * _upTo[^1]);
        return Math.Min(found < 0 ? ~found : found, _upTo.Length - 1);
    }
}
