using EdgeCache.Bench.HitRatio.Traces;

namespace EdgeCache.Bench.HitRatio.Policies;

/// <summary>Out goes what was written first, read or not: what a plain log does.</summary>
internal sealed class Fifo(Trace trace, long capacity) : Policy(trace, capacity)
{
    private readonly Queue<int> _queue = new();

    protected override void OnHit(int id)
    {
    }

    protected override void OnMiss(int id)
    {
        while (!Fits(id))
        {
            Evict(_queue.Dequeue());
        }

        _queue.Enqueue(id);
        Keep(id);
    }
}
