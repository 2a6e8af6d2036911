using EdgeCache.Storage.Local.Files;

namespace EdgeCache.Storage.Local;

/// <summary>
/// The disk space that the store takes, and what blobs that are being written may still take. Together they never exceed the limit, and they leave the floor of
/// free disk space alone.
/// </summary>
internal sealed class SpaceAccount(LocalStoreOptions options, IFileSystem files, TimeProvider time)
{
    /// <summary>Asking the system costs a call, so its answer counts for a while, less what has been handed out since.</summary>
    private static readonly TimeSpan FreeSpaceAge = TimeSpan.FromMilliseconds(200);

    // Protects the five fields below; nothing else is taken while it is held, and the system is not asked.
    private readonly Lock _lock = new();
    private long _used;
    private long _reserved;
    private long _free;
    private long _granted;
    private long _freeMeasured;

    public enum Answer
    {
        Granted,

        /// <summary>The store's own limit: eviction can help.</summary>
        StoreFull,

        /// <summary>The file system's free space is at the floor.</summary>
        DiskFull,
    }

    /// <summary>Segments and files, in bytes.</summary>
    public long Used
    {
        get
        {
            lock (_lock)
                return _used;
        }
    }

    /// <summary>What is used or reserved, in bytes.</summary>
    public long Taken
    {
        get
        {
            lock (_lock)
                return _used + _reserved;
        }
    }

    public void AddUsed(long bytes)
    {
        lock (_lock)
            _used += bytes;
    }

    public Answer TryReserve(long bytes)
    {
        long granted;
        lock (_lock)
        {
            if (_used + _reserved + bytes > options.MaxBytes)
                return Answer.StoreFull;
            if (_freeMeasured != 0 && _free - bytes >= options.MinFreeBytes && time.GetElapsedTime(_freeMeasured) <= FreeSpaceAge)
                return Grant(bytes);
            granted = _granted;
        }
        // Space is reserved in small steps just before it is written, so what is reserved and not yet taken is next to nothing.
        var free = files.FreeBytes;
        lock (_lock)
        {
            if (_used + _reserved + bytes > options.MaxBytes)
                return Answer.StoreFull;
            // Less what was handed out while the system was asked.
            _free = free - (_granted - granted);
            _freeMeasured = time.GetTimestamp();
            return _free - bytes < options.MinFreeBytes ? Answer.DiskFull : Grant(bytes);
        }
    }

    private Answer Grant(long bytes)
    {
        _free -= bytes;
        _granted += bytes;
        _reserved += bytes;
        return Answer.Granted;
    }

    public void Release(long bytes)
    {
        lock (_lock)
            _reserved -= bytes;
    }

    /// <summary>What was reserved has been written: in one step, so that it is never counted twice.</summary>
    public void Settle(long reserved, long used)
    {
        lock (_lock)
        {
            _reserved -= reserved;
            _used += used;
        }
    }
}
