using EdgeCache.Codecs;
using EdgeCache.Codecs.Choosing;
using EdgeCache.Codecs.Zstd;

namespace EdgeCache.Storage.Local;

/// <summary>How a local store behaves.</summary>
public sealed record LocalStoreOptions
{
    /// <summary>The folder. Made when it is not there; files in it that are not the store's are left alone.</summary>
    public required string Path { get; init; }

    /// <summary>Disk space the store may take, in allocated bytes, at least 1 MiB. Eviction keeps it below. Default: 10 GiB.</summary>
    public long MaxBytes { get; init; } = 10L << 30;

    /// <summary>Bytes to leave free on the file system: a write that would go below ends with <see cref="StoreStatus.NoSpace"/>. Default: 1 GiB.</summary>
    public long MinFreeBytes { get; init; } = 1L << 30;

    /// <summary>How long to wait for a process that is leaving the folder. Default: 40 s.</summary>
    public TimeSpan LockTimeout { get; init; } = TimeSpan.FromSeconds(40);

    /// <summary>How long a write waits for eviction to make room, and whoever must know what a key has for the index to be complete. Default: 10 s.</summary>
    public TimeSpan RoomTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Bytes of the log that a start reads before the store serves: below a second's worth. More is read while it serves. Tests make it smaller.</summary>
    internal long ReplayAtOnceBytes { get; init; } = 256 << 20;

    /// <summary>What a namespace may hold, by its name. Asked again about once a second, so that it may change. Default: no limits.</summary>
    public Func<string, NamespaceLimits> Limits { get; init; } = static _ => NamespaceLimits.None;

    /// <summary>
    /// Whether a blob must not be evicted, for whatever reason, because nobody else has it yet; it is served as long, also when its retention has ended. Asked at each eviction, so it has to be quick, and
    /// from several threads. Has to say yes as long as that is not known. Null where no blob is: the default.
    /// </summary>
    public Func<BlobKey, bool>? IsPinned { get; init; }

    /// <summary>When and how fast what is stored is re-hashed in the background. Asked again about once a minute, so that it may change. Default: never.</summary>
    public Func<ScrubPlan> Scrub { get; init; } = static () => ScrubPlan.Never;

    /// <summary>Memory for small blobs that are asked for often, in bytes; 0 switches it off. Default: 64 MiB.</summary>
    public long MemoryTierBytes { get; init; } = 64L << 20;

    /// <summary>What is compressed of what comes in, by namespace. Asked at every write, so that it may change. Default: nothing. What is there is decoded whatever this says.</summary>
    public Func<string, CompressionPolicy> Compression { get; init; } = static _ => CompressionPolicy.Off;

    /// <summary>
    /// How many blobs may wait to be compressed when the processors have time, because they came too fast to be compressed at once; what comes beyond is compressed at once, as fast as that can be
    /// done, or never. Each takes about 32 bytes of memory. Asked at every write, so that it may change. Default: 0, none.
    /// </summary>
    public Func<int> MaxDeferred { get; init; } = static () => 0;

    /// <summary>The codec for compressed payloads. Where it is not available nothing is compressed, and what is there in that coding counts as missing. Default: libzstd.</summary>
    public ICodec Zstd { get; init; } = new ZstdCodec();

    /// <summary>How busy the processors are. Default: null, as busy as this process keeps them.</summary>
    public ICpuPressure? CpuPressure { get; init; }

    /// <summary>
    /// For how long a blob that was held against its checksums is believed without, in whole minutes; 0 means until the store is closed. Default: 24 h.
    /// </summary>
    public TimeSpan VerifyInterval { get; init; } = TimeSpan.FromHours(24);
}

/// <summary>The store's folder can't be opened; the message says why and what to do.</summary>
public sealed class StoreUnavailableException : IOException
{
    /// <summary>Says why the folder can't be opened.</summary>
    public StoreUnavailableException(string message, Exception? innerException = null)
        : base(message, innerException)
    {
    }
}
