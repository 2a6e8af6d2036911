using EdgeCache.Bench.HitRatio.Traces;

namespace EdgeCache.Bench.HitRatio.Policies;

/// <summary>
/// SIEVE (NSDI '24): one list in order of writing, and a hand that walks from old to young. What was read stays where it is, so that
/// new blobs meet the hand early and old ones that are still read gather behind it.
/// </summary>
internal sealed class Sieve(Trace trace, long capacity) : Policy(trace, capacity)
{
    private readonly BlobList _list = new(trace);
    private readonly bool[] _read = new bool[trace.Blobs];
    private int _hand = BlobList.None;

    protected override void OnHit(int id) => _read[id] = true;

    protected override void OnMiss(int id)
    {
        while (!Fits(id))
        {
            EvictOne();
        }

        _read[id] = false;
        _list.AddNewest(id);
        Keep(id);
    }

    private void EvictOne()
    {
        var victim = _hand == BlobList.None ? _list.Oldest : _hand;
        while (_read[victim])
        {
            _read[victim] = false;
            var next = _list.NewerThan(victim);
            victim = next == BlobList.None ? _list.Oldest : next;
        }

        _hand = _list.NewerThan(victim);
        _list.Remove(victim);
        Evict(victim);
    }
}
