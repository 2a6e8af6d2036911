using EdgeCache.Codecs;
using EdgeCache.Codecs.Lz4;
using EdgeCache.Codecs.Zstd;

namespace EdgeCache.Edge.Compression;

/// <summary>The codecs of the node, found at its start. What is missing is said once; the rest works without it.</summary>
internal sealed partial class NodeCodecs
{
    public NodeCodecs(ILogger<NodeCodecs> logger)
        : this(new ZstdCodec(), new Lz4Codec(), logger)
    {
    }

    internal NodeCodecs(ICodec zstd, ICodec lz4, ILogger<NodeCodecs> logger)
    {
        (Zstd, Lz4) = (zstd, lz4);
        foreach (var codec in (ICodec[])[zstd, lz4])
        {
            if (codec.WhyUnavailable is { } why)
                LogUnavailable(logger, codec.Name, why);
        }
    }

    public ICodec Zstd { get; }

    public ICodec Lz4 { get; }

    /// <summary>Whether a coding can be written and read here.</summary>
    public bool Has(ContentCoding coding) => coding switch
    {
        ContentCoding.Zstd => Zstd.IsAvailable,
        ContentCoding.Lz4 => Lz4.IsAvailable,
        _ => true,
    };

    [LoggerMessage(LogLevel.Warning, "The coding {Coding} is not available: {Why} Nothing is sent or taken in it.")]
    private static partial void LogUnavailable(ILogger logger, string coding, string why);
}
