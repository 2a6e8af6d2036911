using EdgeCache.Bench.HitRatio.Traces;

namespace EdgeCache.Bench.HitRatio.Policies;

/// <summary>
/// MIN: knows the future and drops what is read again the latest, the newcomer itself included. With blobs of one size nothing can be
/// better. With different sizes this is the usual greedy approximation (the true optimum is hard to compute), and not a bound.
/// </summary>
internal sealed class Belady(Trace trace, long capacity) : Policy(trace, capacity)
{
    private readonly PriorityQueue<int, int> _farthestFirst = new();
    private readonly int[] _next = new int[trace.Blobs];

    protected override void OnHit(int id) => Schedule(id);

    protected override void OnMiss(int id)
    {
        var next = Trace.NextUse[Position];
        while (!Fits(id))
        {
            var victim = Farthest();
            if (_next[victim] <= next)
            {
                return;
            }

            _farthestFirst.Dequeue();
            Evict(victim);
        }

        if (next != Trace.Never)
        {
            Schedule(id);
            Keep(id);
        }
    }

    private void Schedule(int id)
    {
        _next[id] = Trace.NextUse[Position];
        _farthestFirst.Enqueue(id, -_next[id]);
    }

    /// <summary>Every read leaves an outdated entry behind; those on top are dropped here.</summary>
    private int Farthest()
    {
        while (true)
        {
            _farthestFirst.TryPeek(out var id, out var priority);
            if (Contains(id) && _next[id] == -priority)
            {
                return id;
            }

            _farthestFirst.Dequeue();
        }
    }
}
