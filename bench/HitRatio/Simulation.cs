using EdgeCache.Bench.HitRatio.Policies;
using EdgeCache.Bench.HitRatio.Traces;

namespace EdgeCache.Bench.HitRatio;

/// <summary>What one policy did with one trace at one capacity.</summary>
internal sealed record Outcome(string Policy, double CacheShare, long Hits, long Misses, long HitBytes, long MissBytes, long Rewritten, long Burst, long Peak, long Capacity)
{
    public double ObjectRatio => Hits / (double)(Hits + Misses);

    public double ByteRatio => HitBytes / (double)(HitBytes + MissBytes);

    /// <summary>Bytes written for each byte that was put.</summary>
    public double WriteAmplification => (MissBytes + Rewritten) / (double)MissBytes;

    /// <summary>Everything that reaches the disk.</summary>
    public long Written => MissBytes + Rewritten;
}

/// <summary>All outcomes of one trace.</summary>
internal sealed record TraceResult(string Trace, bool FixedSize, int Blobs, long Footprint, IReadOnlyList<Outcome> Outcomes)
{
    public Outcome Of(string policy, double share) => Outcomes.Single(outcome => outcome.Policy == policy && outcome.CacheShare == share);
}

internal static class Simulation
{
    /// <summary>Cache sizes as shares of the footprint.</summary>
    public static readonly double[] Shares = [0.01, 0.05, 0.1, 0.25];

    public static TraceResult Run(Trace trace, CancellationToken cancel)
    {
        var jobs = Contender.All.SelectMany(contender => Shares.Select(share => (contender, share))).ToList();
        var outcomes = new Outcome[jobs.Count];
        Parallel.For(0, jobs.Count, new ParallelOptions { CancellationToken = cancel, MaxDegreeOfParallelism = Environment.ProcessorCount }, job =>
        {
            var (contender, share) = jobs[job];
            outcomes[job] = Run(trace, contender, share, _ => { });
        });
        return new(trace.Name, trace.FixedSize, trace.Blobs, trace.Footprint, outcomes);
    }

    /// <summary>One run. The caller may look at the policy after every request.</summary>
    public static Outcome Run(Trace trace, Contender contender, double share, Action<Policy> afterEach)
    {
        var capacity = (long)(trace.Footprint * share);
        var policy = contender.Create(trace, capacity);
        var (hits, misses, hitBytes, missBytes) = (0L, 0L, 0L, 0L);
        foreach (var id in trace.Requests)
        {
            if (policy.Access(id))
            {
                hits++;
                hitBytes += trace.Sizes[id];
            }
            else
            {
                misses++;
                missBytes += trace.Sizes[id];
            }

            afterEach(policy);
        }

        return new(contender.Name, share, hits, misses, hitBytes, missBytes, policy.Rewritten, policy.Burst, policy.Peak, capacity);
    }
}
