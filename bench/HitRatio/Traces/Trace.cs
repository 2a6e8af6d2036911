namespace EdgeCache.Bench.HitRatio.Traces;

/// <summary>Requests in order. Blobs are numbered by their first request.</summary>
internal sealed class Trace
{
    public const int Never = int.MaxValue;

    private readonly Lazy<int[]> _nextUse;

    public Trace(string name, bool fixedSize, int[] requests, int[] sizes)
    {
        Name = name;
        FixedSize = fixedSize;
        Requests = requests;
        Sizes = sizes;
        Footprint = sizes.Sum(size => (long)size);
        LargestBlob = sizes.Max();
        _nextUse = new(FindNextUses);
    }

    public string Name { get; }

    public bool FixedSize { get; }

    public int[] Requests { get; }

    public int[] Sizes { get; }

    public int Blobs => Sizes.Length;

    /// <summary>Bytes of all blobs that are ever requested.</summary>
    public long Footprint { get; }

    public int LargestBlob { get; }

    /// <summary>For each request the index of the next one for the same blob.</summary>
    public int[] NextUse => _nextUse.Value;

    /// <summary>How many blobs of the mean size so many bytes hold.</summary>
    public int EntriesIn(long bytes) => (int)(bytes * Blobs / Footprint);

    private int[] FindNextUses()
    {
        var next = new int[Requests.Length];
        var upcoming = new int[Blobs];
        Array.Fill(upcoming, Never);
        for (var position = Requests.Length - 1; position >= 0; position--)
        {
            next[position] = upcoming[Requests[position]];
            upcoming[Requests[position]] = position;
        }

        return next;
    }
}
