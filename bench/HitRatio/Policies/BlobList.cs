using EdgeCache.Bench.HitRatio.Traces;

namespace EdgeCache.Bench.HitRatio.Policies;

/// <summary>A doubly linked list of blobs from newest to oldest. A blob is in it at most once.</summary>
internal sealed class BlobList
{
    public const int None = -1;

    private readonly int[] _sizes;
    private readonly int[] _newer;
    private readonly int[] _older;

    public BlobList(Trace trace)
    {
        _sizes = trace.Sizes;
        _newer = new int[trace.Blobs];
        _older = new int[trace.Blobs];
    }

    public int Newest { get; private set; } = None;

    public int Oldest { get; private set; } = None;

    public long Bytes { get; private set; }

    public bool IsEmpty => Newest == None;

    public int NewerThan(int id) => _newer[id];

    public void AddNewest(int id)
    {
        _newer[id] = None;
        _older[id] = Newest;
        if (IsEmpty)
        {
            Oldest = id;
        }
        else
        {
            _newer[Newest] = id;
        }

        Newest = id;
        Bytes += _sizes[id];
    }

    public void Remove(int id)
    {
        var (newer, older) = (_newer[id], _older[id]);
        if (newer == None)
        {
            Newest = older;
        }
        else
        {
            _older[newer] = older;
        }

        if (older == None)
        {
            Oldest = newer;
        }
        else
        {
            _newer[older] = newer;
        }

        Bytes -= _sizes[id];
    }

    public int RemoveOldest()
    {
        var id = Oldest;
        Remove(id);
        return id;
    }

    public void MoveToNewest(int id)
    {
        if (Newest != id)
        {
            Remove(id);
            AddNewest(id);
        }
    }
}
