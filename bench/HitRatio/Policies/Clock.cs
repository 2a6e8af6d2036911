using EdgeCache.Bench.HitRatio.Traces;

namespace EdgeCache.Bench.HitRatio.Policies;

/// <summary>FIFO with a second chance: what was read since goes to the young end again, once.</summary>
internal sealed class Clock(Trace trace, long capacity) : Policy(trace, capacity)
{
    private readonly Queue<int> _queue = new();
    private readonly bool[] _read = new bool[trace.Blobs];

    protected override void OnHit(int id) => _read[id] = true;

    protected override void OnMiss(int id)
    {
        while (!Fits(id))
        {
            Advance();
        }

        _read[id] = false;
        _queue.Enqueue(id);
        Keep(id);
    }

    private void Advance()
    {
        var oldest = _queue.Dequeue();
        if (_read[oldest])
        {
            _read[oldest] = false;
            _queue.Enqueue(oldest);
        }
        else
        {
            Evict(oldest);
        }
    }
}
