using EdgeCache.Bench.HitRatio.Policies;
using EdgeCache.Bench.HitRatio.Traces;

namespace EdgeCache.Bench.HitRatio;

/// <summary>What must hold for every policy, whatever its figures. A breach means the tables are worth nothing.</summary>
internal sealed class SelfCheck(int requests, int seed)
{
    private readonly List<string> _breaches = [];
    private int _runs;

    /// <summary>True if all is well.</summary>
    public bool Run(TextWriter output)
    {
        foreach (var (make, again) in new TraceSet(requests, seed).All().Zip(new TraceSet(requests, seed).All()))
        {
            Check(make(), again());
        }

        _breaches.ForEach(output.WriteLine);
        output.WriteLine($"{_runs} runs of {requests} requests, {_breaches.Count} breaches.");
        return _breaches.Count == 0;
    }

    private void Check(Trace trace, Trace again)
    {
        Require(trace.Requests.SequenceEqual(again.Requests) && trace.Sizes.SequenceEqual(again.Sizes), $"{trace.Name} is not the same twice.");
        foreach (var share in Simulation.Shares)
        {
            var best = CheckPolicy(trace, again, Contender.All[0], share);
            foreach (var contender in Contender.All.Skip(1))
            {
                var outcome = CheckPolicy(trace, again, contender, share);
                Require(!trace.FixedSize || outcome.Hits <= best.Hits, $"{contender.Name} beats Belady on {trace.Name} at {share:P0}.");
            }
        }
    }

    private Outcome CheckPolicy(Trace trace, Trace again, Contender contender, double share)
    {
        _runs++;
        var what = $"{contender.Name} on {trace.Name} at {share:P0}";
        var within = true;
        Policy? last = null;
        var outcome = Simulation.Run(trace, contender, share, policy =>
        {
            last = policy;
            within &= policy.Used >= 0 && policy.Used <= policy.Capacity;
        });
        Require(within, $"{what} was over its capacity.");
        Require(outcome.Peak <= outcome.Capacity, $"{what} held {outcome.Peak} of {outcome.Capacity} bytes for a moment.");
        Require(outcome.Hits + outcome.Misses == trace.Requests.Length, $"{what} lost requests.");
        Require(Resident(trace, last!) == last!.Used, $"{what} counts other bytes than it holds.");
        Require(outcome == Simulation.Run(again, contender, share, _ => { }), $"{what} is not the same twice.");
        Require(contender.Name != Contender.Lru || outcome.Hits == PlainLruHits(trace, outcome.Capacity), $"{what} is not LRU.");
        return outcome;
    }

    private static long Resident(Trace trace, Policy policy) =>
        Enumerable.Range(0, trace.Blobs).Where(policy.Contains).Sum(id => (long)trace.Sizes[id]);

    /// <summary>LRU once more, by the book and with nothing in common with the policies, since all differences are told against it.</summary>
    private static long PlainLruHits(Trace trace, long capacity)
    {
        var order = new LinkedList<int>();
        var nodes = new Dictionary<int, LinkedListNode<int>>();
        var (hits, used) = (0L, 0L);
        foreach (var id in trace.Requests.Where(id => trace.Sizes[id] <= capacity))
        {
            if (nodes.Remove(id, out var node))
            {
                hits++;
                order.Remove(node);
                used -= trace.Sizes[id];
            }

            for (; used + trace.Sizes[id] > capacity; order.RemoveLast())
            {
                used -= trace.Sizes[order.Last!.Value];
                nodes.Remove(order.Last.Value);
            }

            nodes[id] = order.AddFirst(id);
            used += trace.Sizes[id];
        }

        return hits;
    }

    private void Require(bool holds, string breach)
    {
        if (!holds && _breaches.Count < 20)
        {
            _breaches.Add(breach);
        }
    }
}
