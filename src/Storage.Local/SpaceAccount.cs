namespace EdgeCache.Storage.Local;

/// <summary>
/// What blobs that are being written may still take. Together with the catalog's use it never exceeds the limit, and it leaves the floor of free disk
/// space alone.
/// </summary>
internal sealed class SpaceAccount(LocalStoreOptions options, Catalog catalog, TimeProvider time)
{
    /// <summary>Asking the system costs a call, so its answer counts for a while, less what has been handed out since.</summary>
    private static readonly TimeSpan FreeSpaceAge = TimeSpan.FromMilliseconds(200);

    private readonly DriveInfo _drive = new(options.Path);

    // Protects the three fields below; nothing else is taken while it is held.
    private readonly Lock _lock = new();
    private long _reserved;
    private long _free;
    private long _freeMeasured;

    public enum Answer
    {
        Granted,

        /// <summary>The store's own limit: eviction can help.</summary>
        StoreFull,

        /// <summary>The file system's free space is at the floor.</summary>
        DiskFull,
    }

    public long Reserved
    {
        get
        {
            lock (_lock)
                return _reserved;
        }
    }

    public Answer TryReserve(long bytes)
    {
        lock (_lock)
        {
            if (catalog.UsedBytes + _reserved + bytes > options.MaxBytes)
                return Answer.StoreFull;
            if (_freeMeasured == 0 || _free - bytes < options.MinFreeBytes || time.GetElapsedTime(_freeMeasured) > FreeSpaceAge)
            {
                // Space is reserved in small steps just before it is written, so what is reserved and not yet taken is next to nothing.
                _free = _drive.AvailableFreeSpace;
                _freeMeasured = time.GetTimestamp();
            }
            if (_free - bytes < options.MinFreeBytes)
                return Answer.DiskFull;
            _free -= bytes;
            _reserved += bytes;
            return Answer.Granted;
        }
    }

    public void Release(long bytes)
    {
        lock (_lock)
            _reserved -= bytes;
    }
}
