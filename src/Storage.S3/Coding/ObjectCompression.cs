using EdgeCache.Codecs;
using EdgeCache.Codecs.Choosing;
using EdgeCache.Codecs.Zstd;

namespace EdgeCache.Storage.S3.Coding;

/// <summary>What a store needs to write objects as zstd and to read them.</summary>
/// <param name="options">What is asked for.</param>
/// <param name="time">The clock.</param>
internal sealed class ObjectCompression(S3StoreOptions options, TimeProvider time)
{
    /// <summary>Uploads that may be on their way to frames at a time: each holds up to 3 MiB beside its parts. What comes beyond is stored as it is.</summary>
    private static readonly int MaxFramings = Math.Max(4, 2 * Environment.ProcessorCount);

    private int _framings;

    public ICodec Zstd { get; } = options.Zstd ?? new ZstdCodec();

    public CompressionChooser Chooser => field ??= new CompressionChooser(Zstd, options.CpuPressure ?? ProcessCpuPressure.OfThisProcess(time));

    /// <summary>Begins to make frames of a blob; null where it is clear already that it is stored as it is.</summary>
    public ObjectFraming? TryBegin(BlobMetadata draft, PutOptions put)
    {
        var policy = options.Compression(draft.Key.Namespace);
        if (!policy.IsEnabled || !Zstd.IsAvailable || put.ExpectedLength < Math.Max(1, policy.MinLength))
            return null;
        if (HasCoding(draft) || ObjectMetadata.Measure(Coded(draft, long.MaxValue)) > ObjectMetadata.MaxLength)
            return null;
        if (Interlocked.Increment(ref _framings) <= MaxFramings)
            return new ObjectFraming(this, draft.Key.Namespace, policy, put.ExpectedLength);
        End();
        return null;
    }

    /// <summary>Gives a place back.</summary>
    public void End() => Interlocked.Decrement(ref _framings);

    /// <summary>A blob as it is written down when its payload is frames.</summary>
    public static BlobMetadata Coded(BlobMetadata blob, long length) => blob with { Coding = ZstdCodec.CodingName, Length = length };

    /// <summary>An object has one Content-Encoding; that of the content itself is there already.</summary>
    private static bool HasCoding(BlobMetadata draft) => draft.StoredHeaders.Any(h => h.Key.Equals("content-encoding", StringComparison.OrdinalIgnoreCase));
}
