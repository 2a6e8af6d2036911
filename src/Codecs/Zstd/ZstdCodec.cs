using EdgeCache.Codecs.Frames;
using EdgeCache.Codecs.Pooling;
using static EdgeCache.Codecs.Zstd.LibZstd;

namespace EdgeCache.Codecs.Zstd;

/// <summary>The coding <c>zstd</c> (RFC 8878), by libzstd.</summary>
public sealed class ZstdCodec : ICodec
{
    /// <summary>The coding's name.</summary>
    public const string CodingName = "zstd";

    /// <summary>A context beyond this size, in bytes, is not kept: the next one is small again.</summary>
    private const int LargestKept = 8 << 20;

    private readonly CodecLimits _limits;
    private readonly ContextPool<CompressorHandle> _compressors;
    private readonly ContextPool<CompressorHandle> _encoders;
    private readonly ContextPool<DecompressorHandle> _decompressors;
    private readonly ContextPool<DecompressorHandle> _decoders;

    /// <summary>Finds the library.</summary>
    public ZstdCodec(CodecLimits? limits = null)
        : this(limits ?? new CodecLimits(), FileNames)
    {
    }

    internal ZstdCodec(CodecLimits limits, IReadOnlyList<string> fileNames)
    {
        _limits = limits;
        WhyUnavailable = Find(fileNames);
        _compressors = new ContextPool<CompressorHandle>(limits.MaxCompressors, isStrict: true, MakeCompressor);
        _encoders = new ContextPool<CompressorHandle>(limits.MaxStreams, isStrict: true, MakeCompressor);
        // A whole frame is decoded without a window, in an instant: to refuse that would fail a read for nothing.
        _decompressors = new ContextPool<DecompressorHandle>(limits.MaxStreams, isStrict: false, MakeDecompressor);
        _decoders = new ContextPool<DecompressorHandle>(limits.MaxStreams, isStrict: true, MakeDecompressor);
    }

    /// <inheritdoc/>
    public string Name => CodingName;

    /// <inheritdoc/>
    public bool IsAvailable => WhyUnavailable is null;

    /// <inheritdoc/>
    public string? WhyUnavailable { get; }

    /// <inheritdoc/>
    /// <remarks>Above 19 are those that need much more memory on both sides.</remarks>
    public int MaxLevel => 19;

    /// <inheritdoc/>
    /// <remarks>As ZSTD_COMPRESSBOUND.</remarks>
    public int MaxCompressedLength(int contentLength) =>
        contentLength + (contentLength >> 8) + (contentLength < RawFrame.MaxBlockLength ? (RawFrame.MaxBlockLength - contentLength) >> 11 : 0);

    /// <inheritdoc/>
    public unsafe CodecResult Compress(ReadOnlySpan<byte> content, Span<byte> destination, int level)
    {
        if (!IsAvailable)
            return new(CodecStatus.Unavailable, 0);
        if (_compressors.TryRent(out var context) is var status && status != CodecStatus.Ok)
            return new(status, 0);
        try
        {
            Begin(context!, level, checksum: false);
            fixed (byte* from = content, to = destination)
            {
                var result = LibZstd.Compress(context!, to, (nuint)destination.Length, from, (nuint)content.Length);
                status = StatusOf(result);
                return new(status, status == CodecStatus.Ok ? (int)result : 0);
            }
        }
        finally
        {
            Return(_compressors, context!);
        }
    }

    /// <inheritdoc/>
    public unsafe CodecResult Decompress(ReadOnlySpan<byte> payload, Span<byte> destination)
    {
        if (!IsAvailable)
            return new(CodecStatus.Unavailable, 0);
        // The library may be built with the decoders of its first, unfrozen formats, which are refused; and what its two ways to decode accept is not quite the same.
        if (!IsWellFormed(payload, out var needsBlocks))
            return new(CodecStatus.Corrupt, 0);
        if (needsBlocks)
            return DecompressByBlocks(payload, destination);
        if (_decompressors.TryRent(out var context) is var status && status != CodecStatus.Ok)
            return new(status, 0);
        try
        {
            fixed (byte* from = payload, to = destination)
            {
                var result = LibZstd.Decompress(context!, to, (nuint)destination.Length, from, (nuint)payload.Length);
                status = StatusOf(result);
                return new(status, status == CodecStatus.Ok ? (int)result : 0);
            }
        }
        finally
        {
            Return(_decompressors, context!);
        }
    }

    /// <inheritdoc/>
    public CodecStatus TryRentEncoder(EncoderOptions options, out StreamEncoder? encoder)
    {
        encoder = null;
        if (!IsAvailable)
            return CodecStatus.Unavailable;
        var status = _encoders.TryRent(out var context);
        if (status != CodecStatus.Ok)
            return status;
        Begin(context!, options.Level, options.Checksum);
        if (options.ContentLength is { } length)
            SetContentLength(context!, (ulong)length);
        encoder = new ZstdEncoder(this, context!);
        return CodecStatus.Ok;
    }

    /// <inheritdoc/>
    public CodecStatus TryRentDecoder(DecoderOptions options, out StreamDecoder? decoder)
    {
        decoder = null;
        if (!IsAvailable)
            return CodecStatus.Unavailable;
        var status = _decoders.TryRent(out var context);
        if (status != CodecStatus.Ok)
            return status;
        decoder = new ZstdDecoder(this, context!, options.MaxLength);
        return CodecStatus.Ok;
    }

    internal void ReturnEncoder(CompressorHandle context) => Return(_encoders, context);

    internal void ReturnDecoder(DecompressorHandle context)
    {
        Reset(context, ResetSession);
        Return(_decoders, context);
    }

    private static string? Find(IReadOnlyList<string> fileNames)
    {
        if (!NativeNames.CanLoad(fileNames))
            return $"The library {fileNames[0]} was not found; on Debian and Ubuntu it is in the package libzstd1.";
        return VersionNumber() is var version && version < OldestVersion ? $"The library libzstd is too old ({version}); 1.4.0 is the oldest that can be used." : null;
    }

    /// <summary>Walks the frames.</summary>
    /// <param name="payload">The frames.</param>
    /// <param name="needsBlocks">
    /// Whether a block could decode to more than it may, because the window is smaller or the frame does not say how much there is in all: only a decoder that goes by blocks checks that.
    /// </param>
    private static bool IsWellFormed(ReadOnlySpan<byte> payload, out bool needsBlocks)
    {
        needsBlocks = false;
        do
        {
            var walk = default(FrameWalk);
            if (walk.Continue(payload) != CodecStatus.Ok)
                return false;
            payload = payload[(int)walk.Length..];
            var header = walk.Header;
            // All ones are a length that the library takes for none; the decoder of streams refuses it too.
            if (header.ContentLength == long.MaxValue)
                return false;
            needsBlocks |= !header.IsSkippable && header.WindowLength != header.ContentLength && (header.ContentLength < 0 || header.WindowLength < RawFrame.MaxBlockLength);
        }
        while (payload.Length > 0);
        return true;
    }

    private CodecResult DecompressByBlocks(ReadOnlySpan<byte> payload, Span<byte> destination)
    {
        if (TryRentDecoder(new DecoderOptions { MaxLength = destination.Length }, out var decoder) is var status && status != CodecStatus.Ok)
            return new(status, 0);
        using (decoder)
        {
            // At the limit one byte of room is enough: it is not written to.
            Span<byte> none = stackalloc byte[1];
            var step = decoder!.Decode(payload, destination.IsEmpty ? none : destination);
            if (step.Status == CodecStatus.NeedsOutput)
                step = decoder.Decode(payload[step.Consumed..], none);
            status = step.Status switch
            {
                CodecStatus.NeedsInput => decoder.IsComplete ? CodecStatus.Ok : CodecStatus.Corrupt,
                CodecStatus.TooLarge => CodecStatus.NeedsOutput,
                _ => step.Status,
            };
            return new(status, status == CodecStatus.Ok ? (int)decoder.Length : 0);
        }
    }

    private static CompressorHandle? MakeCompressor() => CreateCompressor() is { IsInvalid: false } context ? context : null;

    private DecompressorHandle? MakeDecompressor()
    {
        var context = CreateDecompressor();
        if (context.IsInvalid)
            return null;
        SetParameter(context, WindowLogMax, _limits.MaxWindowLog);
        return context;
    }

    private void Begin(CompressorHandle context, int level, bool checksum)
    {
        Reset(context, ResetAll);
        SetParameter(context, CompressionLevel, Math.Clamp(level, 1, MaxLevel));
        SetParameter(context, ContentSizeFlag, 1);
        SetParameter(context, ChecksumFlag, checksum ? 1 : 0);
    }

    private static void Return(ContextPool<CompressorHandle> pool, CompressorHandle context) => pool.Return(context, keep: SizeOf(context) <= LargestKept);

    private static void Return(ContextPool<DecompressorHandle> pool, DecompressorHandle context) => pool.Return(context, keep: SizeOf(context) <= LargestKept);
}
