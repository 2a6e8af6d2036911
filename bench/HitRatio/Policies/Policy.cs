using EdgeCache.Bench.HitRatio.Traces;

namespace EdgeCache.Bench.HitRatio.Policies;

/// <summary>
/// A cache that is read through: a miss is followed by a put of the same blob. What is left to a policy is where a blob goes and which one leaves.
/// </summary>
internal abstract class Policy(Trace trace, long capacity)
{
    private readonly bool[] _resident = new bool[trace.Blobs];

    public long Capacity { get; } = capacity;

    /// <summary>Bytes on the disk now, copies that are about to be freed included.</summary>
    public long Used { get; private set; }

    public long Peak { get; private set; }

    /// <summary>Bytes that were written again to keep a blob.</summary>
    public long Rewritten { get; private set; }

    /// <summary>The most that was written again for a single put: how long the unluckiest client waits.</summary>
    public long Burst { get; private set; }

    /// <summary>Index in the trace of the request being served.</summary>
    protected int Position { get; private set; } = -1;

    protected Trace Trace { get; } = trace;

    /// <summary>The largest blob that is kept at all.</summary>
    protected virtual long Limit => Capacity;

    public bool Contains(int id) => _resident[id];

    /// <summary>One request. True for a hit.</summary>
    public bool Access(int id)
    {
        Position++;
        OnRequest(id);
        if (_resident[id])
        {
            OnHit(id);
            return true;
        }

        if (SizeOf(id) <= Limit)
        {
            var before = Rewritten;
            OnMiss(id);
            Burst = Math.Max(Burst, Rewritten - before);
        }

        return false;
    }

    protected int SizeOf(int id) => Trace.Sizes[id];

    protected virtual void OnRequest(int id)
    {
    }

    protected abstract void OnHit(int id);

    /// <summary>Makes room for the blob and keeps it.</summary>
    protected abstract void OnMiss(int id);

    protected bool Fits(int id) => Used + SizeOf(id) <= Capacity;

    protected void Keep(int id)
    {
        _resident[id] = true;
        Occupy(SizeOf(id));
    }

    protected void Evict(int id)
    {
        Forget(id);
        Free(SizeOf(id));
    }

    /// <summary>Writes the blob again. Its old copy still takes space.</summary>
    protected void Rewrite(int id)
    {
        Occupy(SizeOf(id));
        Rewritten += SizeOf(id);
    }

    /// <summary>No longer served, though its bytes are not free yet.</summary>
    protected void Forget(int id) => _resident[id] = false;

    protected void Free(long bytes) => Used -= bytes;

    private void Occupy(long bytes)
    {
        Used += bytes;
        Peak = Math.Max(Peak, Used);
    }
}
