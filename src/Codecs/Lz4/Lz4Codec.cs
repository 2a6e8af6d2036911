using EdgeCache.Codecs.Pooling;
using static EdgeCache.Codecs.Lz4.LibLz4;

namespace EdgeCache.Codecs.Lz4;

/// <summary>The coding <c>lz4</c>: LZ4 frames (the LZ4 frame format, version 1.6), by liblz4.</summary>
public sealed class Lz4Codec : ICodec
{
    /// <summary>The coding's name.</summary>
    public const string CodingName = "lz4";

    /// <summary>Longest header of a frame, in bytes.</summary>
    internal const int MaxHeaderLength = 19;

    private readonly ContextPool<Lz4Compressor> _compressors;
    private readonly ContextPool<Lz4Compressor> _encoders;
    private readonly ContextPool<DecompressorHandle> _decompressors;
    private readonly ContextPool<DecompressorHandle> _decoders;

    /// <summary>Finds the library.</summary>
    public Lz4Codec(CodecLimits? limits = null)
        : this(limits ?? new CodecLimits(), FileNames)
    {
    }

    internal Lz4Codec(CodecLimits limits, IReadOnlyList<string> fileNames)
    {
        WhyUnavailable = Find(fileNames);
        _compressors = new ContextPool<Lz4Compressor>(limits.MaxCompressors, isStrict: true, Lz4Compressor.Make);
        _encoders = new ContextPool<Lz4Compressor>(limits.MaxStreams, isStrict: true, Lz4Compressor.Make);
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
    public int MaxLevel => 12;

    /// <inheritdoc/>
    /// <remarks>A block that does not shrink is stored as it is: header, 4 bytes for each of the smallest blocks, end, checksum.</remarks>
    public int MaxCompressedLength(int contentLength) =>
        contentLength + MaxHeaderLength + (((contentLength / Lz4Compressor.StepLength) + 1) * sizeof(uint)) + sizeof(uint) + sizeof(uint);

    /// <inheritdoc/>
    public unsafe CodecResult Compress(ReadOnlySpan<byte> content, Span<byte> destination, int level)
    {
        if (!IsAvailable)
            return new(CodecStatus.Unavailable, 0);
        if (_compressors.TryRent(out var compressor) is var status && status != CodecStatus.Ok)
            return new(status, 0);
        try
        {
            // With its length known, the blocks are as large as the content asks for.
            var preferences = new Preferences { BlockSize = Block4MiB, IndependentBlocks = 1, ContentLength = (ulong)content.Length, Level = Clamp(level), AutoFlush = 1 };
            var written = 0;
            fixed (byte* from = content, to = destination)
            {
                status = Add(LibLz4.Begin(compressor!.Context, to, (nuint)destination.Length, preferences), ref written);
                if (status == CodecStatus.Ok)
                    status = Add(Update(compressor.Context, to + written, (nuint)(destination.Length - written), from, (nuint)content.Length, 0), ref written);
                if (status == CodecStatus.Ok)
                    status = Add(End(compressor.Context, to + written, (nuint)(destination.Length - written), 0), ref written);
            }
            return new(status, status == CodecStatus.Ok ? written : 0);
        }
        finally
        {
            _compressors.Return(compressor!, keep: true);
        }
    }

    /// <inheritdoc/>
    public CodecResult Decompress(ReadOnlySpan<byte> payload, Span<byte> destination)
    {
        if (!IsAvailable)
            return new(CodecStatus.Unavailable, 0);
        if (_decompressors.TryRent(out var context) is var status && status != CodecStatus.Ok)
            return new(status, 0);
        using var decoder = new Lz4Decoder(_decompressors, context!, long.MaxValue);
        Span<byte> none = stackalloc byte[1];
        var step = decoder.Decode(payload, destination.IsEmpty ? none : destination);
        if (step.Status == CodecStatus.NeedsOutput && step.Produced == destination.Length)
        {
            // The last byte of content may have come before the end of the frame.
            var rest = decoder.Decode(payload[step.Consumed..], none);
            step = new(rest.Produced > 0 ? CodecStatus.NeedsOutput : rest.Status, 0, step.Produced);
        }
        if (step.Status == CodecStatus.NeedsInput)
            status = !decoder.IsComplete ? CodecStatus.Corrupt : step.Produced > destination.Length ? CodecStatus.NeedsOutput : CodecStatus.Ok;
        else
            status = step.Status;
        return new(status, status == CodecStatus.Ok ? step.Produced : 0);
    }

    /// <inheritdoc/>
    public CodecStatus TryRentEncoder(EncoderOptions options, out StreamEncoder? encoder)
    {
        encoder = null;
        if (!IsAvailable)
            return CodecStatus.Unavailable;
        var status = _encoders.TryRent(out var compressor);
        if (status != CodecStatus.Ok)
            return status;
        encoder = new Lz4Encoder(_encoders, compressor!, new Preferences
        {
            BlockSize = Block64KiB,
            ContentChecksum = options.Checksum ? 1 : 0,
            ContentLength = (ulong)(options.ContentLength ?? 0),
            Level = Clamp(options.Level),
        });
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
        decoder = new Lz4Decoder(_decoders, context!, options.MaxLength);
        return CodecStatus.Ok;
    }

    private static string? Find(IReadOnlyList<string> fileNames)
    {
        if (!NativeNames.CanLoad(fileNames))
            return $"The library {fileNames[0]} was not found; on Debian and Ubuntu it is in the package liblz4-1.";
        return VersionNumber() is var version && version < OldestVersion ? $"The library liblz4 is too old ({version}); 1.8.0 is the oldest that can be used." : null;
    }

    private static DecompressorHandle? MakeDecompressor() =>
        StatusOf(CreateDecompressor(out var context, ApiVersion)) == CodecStatus.Ok && !context.IsInvalid ? context : null;

    private static CodecStatus Add(nuint result, ref int written)
    {
        var status = StatusOf(result);
        if (status == CodecStatus.Ok)
            written += (int)result;
        return status;
    }

    private int Clamp(int level) => Math.Clamp(level, 1, MaxLevel);
}
