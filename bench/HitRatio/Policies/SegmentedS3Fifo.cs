using EdgeCache.Bench.HitRatio.Traces;

namespace EdgeCache.Bench.HitRatio.Policies;

/// <summary>
/// S3-FIFO over a log of segments. New blobs are appended on probation. Reclaiming a segment appends the blobs worth keeping to main and
/// frees the rest with it; a segment with hardly anything to free may stay as it is instead. One segment's worth of the capacity stays free, because the copies are written before the old ones are freed.
/// </summary>
internal sealed class SegmentedS3Fifo : Policy
{
    private readonly SegmentedOptions _options;
    private readonly SegmentLog _probation;
    private readonly SegmentLog _main;
    private readonly Ghosts _ghosts;
    private readonly byte[] _reads;

    public SegmentedS3Fifo(Trace trace, long capacity, SegmentedOptions options)
        : base(trace, capacity)
    {
        var segmentBytes = capacity / options.Segments;
        _options = options;
        _probation = new(segmentBytes);
        _main = new(segmentBytes);
        _ghosts = new(trace.Blobs, (int)(options.Ghosts * trace.EntriesIn(capacity)));
        _reads = new byte[trace.Blobs];
        Limit = capacity - Math.Max(segmentBytes, trace.LargestBlob);
    }

    protected override long Limit { get; }

    protected override void OnHit(int id) => _reads[id] = (byte)Math.Min(_reads[id] + 1, _options.MostReads);

    protected override void OnMiss(int id)
    {
        var target = _ghosts.Take(id) || _options.Probation == 0 ? _main : _probation;
        while (Used + SizeOf(id) > Limit)
        {
            if (_main.IsEmpty || _probation.Bytes > _options.Probation * Capacity)
            {
                ReclaimProbation();
            }
            else
            {
                ReclaimMain();
            }
        }

        _reads[id] = 0;
        target.Append(id, SizeOf(id));
        Keep(id);
    }

    private void ReclaimProbation()
    {
        var segment = _probation.TakeOldest();
        if (Stays(segment, _options.PromoteAt))
        {
            segment.Blobs.ForEach(EnterMain);
            _main.Add(segment);
            return;
        }

        foreach (var id in segment.Blobs)
        {
            if (_reads[id] >= _options.PromoteAt)
            {
                EnterMain(id);
                AppendToMain(id);
            }
            else
            {
                Forget(id);
                _ghosts.Add(id);
            }
        }

        Free(segment.Bytes);
    }

    private void ReclaimMain()
    {
        var segment = _main.TakeOldest();
        if (Stays(segment, 1))
        {
            segment.Blobs.ForEach(UseUpRead);
            _main.Add(segment);
            return;
        }

        foreach (var id in segment.Blobs)
        {
            if (_reads[id] > 0)
            {
                UseUpRead(id);
                AppendToMain(id);
            }
            else
            {
                Forget(id);
            }
        }

        Free(segment.Bytes);
    }

    private bool Stays(Segment segment, int reads) =>
        _options.StayAbove < 1 && segment.Blobs.Where(id => _reads[id] >= reads).Sum(id => (long)SizeOf(id)) > _options.StayAbove * segment.Bytes;

    private void EnterMain(int id) => _reads[id] = (byte)(_options.KeepReads ? Math.Max(0, _reads[id] - 1) : 0);

    private void UseUpRead(int id) => _reads[id] = (byte)Math.Max(0, _reads[id] - 1);

    private void AppendToMain(int id)
    {
        _main.Append(id, SizeOf(id));
        Rewrite(id);
    }
}
