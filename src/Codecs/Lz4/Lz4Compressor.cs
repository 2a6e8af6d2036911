using static EdgeCache.Codecs.Lz4.LibLz4;

namespace EdgeCache.Codecs.Lz4;

/// <summary>A context and room for what comes out of one step: the library wants room for the worst case, the caller has what it has.</summary>
internal sealed class Lz4Compressor(CompressorHandle context) : IDisposable
{
    /// <summary>Content that is handed to the library at a time, in bytes.</summary>
    public const int StepLength = 64 * 1024;

    public CompressorHandle Context { get; } = context;

    /// <summary>At least as long as what a step, or the end, can make.</summary>
    public byte[] Staged { get; } = new byte[(int)CompressBound(StepLength, new Preferences { BlockSize = Block64KiB, ContentChecksum = 1, BlockChecksum = 1 }) + Lz4Codec.MaxHeaderLength];

    public static Lz4Compressor? Make()
    {
        var status = StatusOf(CreateCompressor(out var context, ApiVersion));
        return status == CodecStatus.Ok && !context.IsInvalid ? new Lz4Compressor(context) : null;
    }

    public void Dispose() => Context.Dispose();
}
