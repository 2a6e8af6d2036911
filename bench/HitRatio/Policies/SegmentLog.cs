namespace EdgeCache.Bench.HitRatio.Policies;

/// <summary>A run of blobs that is freed as a whole.</summary>
internal sealed class Segment
{
    public List<int> Blobs { get; } = [];

    public long Bytes { get; set; }
}

/// <summary>Segments in order of writing; the last one is open. A blob larger than a segment has one of its own.</summary>
internal sealed class SegmentLog(long segmentBytes)
{
    private readonly Queue<Segment> _segments = new();
    private Segment? _open;

    public long Bytes { get; private set; }

    public bool IsEmpty => _segments.Count == 0;

    public void Append(int id, int size)
    {
        if (_open is null || _open.Bytes + size > segmentBytes)
        {
            _open = new();
            _segments.Enqueue(_open);
        }

        _open.Blobs.Add(id);
        _open.Bytes += size;
        Bytes += size;
    }

    /// <summary>Puts a full segment behind the others. The open one is closed, so that the order of all blobs stays that of the segments.</summary>
    public void Add(Segment segment)
    {
        _open = null;
        _segments.Enqueue(segment);
        Bytes += segment.Bytes;
    }

    /// <summary>Takes the oldest segment out. The open one is closed for it if there is no other.</summary>
    public Segment TakeOldest()
    {
        var oldest = _segments.Dequeue();
        if (oldest == _open)
        {
            _open = null;
        }

        Bytes -= oldest.Bytes;
        return oldest;
    }
}
