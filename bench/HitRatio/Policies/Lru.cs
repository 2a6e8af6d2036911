using EdgeCache.Bench.HitRatio.Traces;

namespace EdgeCache.Bench.HitRatio.Policies;

/// <summary>Out goes what was not read for the longest time.</summary>
internal sealed class Lru(Trace trace, long capacity) : Policy(trace, capacity)
{
    private readonly BlobList _list = new(trace);

    protected override void OnHit(int id) => _list.MoveToNewest(id);

    protected override void OnMiss(int id)
    {
        while (!Fits(id))
        {
            Evict(_list.RemoveOldest());
        }

        _list.AddNewest(id);
        Keep(id);
    }
}
