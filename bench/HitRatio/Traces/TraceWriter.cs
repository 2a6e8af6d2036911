namespace EdgeCache.Bench.HitRatio.Traces;

/// <summary>Collects the requests of a generator, whatever numbers it gives its blobs, and gives every blob a size.</summary>
internal sealed class TraceWriter(int requests)
{
    private const double MedianBytes = 8 * 1024;
    private const double Sigma = 1.7;
    private const int Smallest = 200;
    private const int Largest = 1024 * 1024;
    private const int OneSize = 4096;

    private readonly List<int> _requests = new(requests);
    private readonly Dictionary<int, int> _numbers = [];

    public bool IsFull => _requests.Count >= requests;

    public int Count => _requests.Count;

    /// <summary>Requests beyond the end are ignored, so that generators need not look at every step.</summary>
    public void Add(int blob)
    {
        if (IsFull)
        {
            return;
        }

        if (!_numbers.TryGetValue(blob, out var number))
        {
            number = _numbers.Count;
            _numbers.Add(blob, number);
        }

        _requests.Add(number);
    }

    public Trace Finish(string name, bool fixedSize, int seed)
    {
        var random = new Random(seed);
        var sizes = new int[_numbers.Count];
        for (var id = 0; id < sizes.Length; id++)
        {
            sizes[id] = fixedSize ? OneSize : LogNormal(random);
        }

        return new(name, fixedSize, [.. _requests], sizes);
    }

    private static int LogNormal(Random random)
    {
        var normal = Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
        return (int)Math.Clamp(MedianBytes * Math.Exp(Sigma * normal), Smallest, Largest);
    }
}
