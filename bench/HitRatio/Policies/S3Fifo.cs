using EdgeCache.Bench.HitRatio.Traces;

namespace EdgeCache.Bench.HitRatio.Policies;

/// <summary>
/// S3-FIFO (SOSP '23) by single blobs: a small queue that most new blobs leave unread, a main queue with up to three further chances,
/// and a list of ghosts whose return goes straight to main. The paper promotes at two reads.
/// </summary>
internal sealed class S3Fifo(Trace trace, long capacity, int promoteAt) : Policy(trace, capacity)
{
    private const double SmallShare = 0.1;
    private const int MostReads = 3;

    private readonly BlobList _small = new(trace);
    private readonly BlobList _main = new(trace);
    private readonly Ghosts _ghosts = new(trace.Blobs, trace.EntriesIn(capacity));
    private readonly byte[] _reads = new byte[trace.Blobs];

    protected override void OnHit(int id) => _reads[id] = (byte)Math.Min(_reads[id] + 1, MostReads);

    protected override void OnMiss(int id)
    {
        var target = _ghosts.Take(id) ? _main : _small;
        while (!Fits(id))
        {
            if (_small.Bytes > SmallShare * Capacity || _main.IsEmpty)
            {
                ShrinkSmall();
            }
            else
            {
                ShrinkMain();
            }
        }

        _reads[id] = 0;
        target.AddNewest(id);
        Keep(id);
    }

    private void ShrinkSmall()
    {
        var oldest = _small.RemoveOldest();
        if (_reads[oldest] >= promoteAt)
        {
            _reads[oldest] = 0;
            _main.AddNewest(oldest);
        }
        else
        {
            _ghosts.Add(oldest);
            Evict(oldest);
        }
    }

    private void ShrinkMain()
    {
        var oldest = _main.RemoveOldest();
        if (_reads[oldest] > 0)
        {
            _reads[oldest]--;
            _main.AddNewest(oldest);
        }
        else
        {
            Evict(oldest);
        }
    }
}
