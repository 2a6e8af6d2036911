namespace EdgeCache.Storage.Local.Tests.Simulation;

/// <summary>A file without its names: what reads see, what a crash is sure to leave, and the writes between the two. Locked by its disk.</summary>
internal sealed class SimulatedInode
{
    private const long BlockLength = 4096;

    private readonly ContentBuffer _durable;
    private List<PendingWrite> _pending = [];

    public SimulatedInode(ReadOnlySpan<byte> durable)
    {
        _durable = ContentBuffer.Of(durable);
        Current = ContentBuffer.Of(durable);
    }

    /// <summary>What reads see.</summary>
    public ContentBuffer Current { get; }

    public IReadOnlyList<PendingWrite> Pending => _pending;

    public long AllocatedBytes => Allocated(Current.Length);

    public byte[] CopyDurable() => _durable.ToArray();

    /// <summary>Disk space that a write would take beyond what the file has.</summary>
    public long SpaceFor(long offset, int length) => Allocated(Math.Max(Current.Length, offset + length)) - AllocatedBytes;

    public void Write(int call, string path, long offset, byte[] data)
    {
        if (data.Length == 0)
            return;
        Current.Write(offset, data);
        _pending.Add(new PendingWrite(call, path, offset, data));
    }

    /// <summary>
    /// Makes durable what is dirty. What an earlier failed sync gave up stays unsure, except where something durable now lies over it.
    /// </summary>
    public void Sync()
    {
        var unsure = new List<PendingWrite>();
        foreach (var write in _pending)
        {
            if (write.Abandoned)
            {
                unsure.Add(write);
                continue;
            }
            foreach (var fragment in write.Fragments)
                write.ApplyTo(_durable, fragment);
            unsure = unsure.ConvertAll(earlier => earlier.Under(write));
        }
        _pending = unsure.FindAll(write => write.Fragments.Count > 0 || write.End > _durable.Length);
    }

    /// <summary>A sync failed: the writes may have reached the disk or not, and no later sync will try again.</summary>
    public void FailSync() => _pending = _pending.ConvertAll(write => write.Abandon());

    private static long Allocated(long length) => (length + BlockLength - 1) / BlockLength * BlockLength;
}
