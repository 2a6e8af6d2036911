namespace EdgeCache.Bench.HitRatio.Policies;

/// <summary>The last so many blobs that were evicted without a read. Of each only the hash would be kept; here the number stands for it.</summary>
internal sealed class Ghosts(int blobs, int most)
{
    private readonly Queue<(int Id, int Stamp)> _queue = new();
    private readonly int[] _stamps = new int[blobs];
    private int _stamp;

    public void Add(int id)
    {
        if (most == 0)
        {
            return;
        }

        if (_queue.Count >= most)
        {
            DropOldest();
        }

        _stamps[id] = ++_stamp;
        _queue.Enqueue((id, _stamp));
    }

    /// <summary>True if the blob was remembered. It is not any more; its place in the queue runs out with age.</summary>
    public bool Take(int id)
    {
        var known = _stamps[id] != 0;
        _stamps[id] = 0;
        return known;
    }

    private void DropOldest()
    {
        var (id, stamp) = _queue.Dequeue();
        if (_stamps[id] == stamp)
        {
            _stamps[id] = 0;
        }
    }
}
