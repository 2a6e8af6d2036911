using System.Buffers.Binary;
using EdgeCache.Codecs.Frames;
using static EdgeCache.Codecs.Zstd.LibZstd;

namespace EdgeCache.Codecs.Zstd;

/// <summary>
/// Frames, decoded as they come. Looks at the header of each itself: what is neither a frame of the final format nor one to skip never gets to the library, and a frame must have as much
/// content as it says, which the library does not look at when the last block is empty.
/// </summary>
internal sealed class ZstdDecoder(ZstdCodec codec, DecompressorHandle context, long maxLength) : StreamDecoder
{
    /// <summary>The header is not complete; one that does not say how much there is has less than 0 too.</summary>
    private const long NotKnown = -2;

    private DecompressorHandle? _context = context;
    private readonly byte[] _header = new byte[ZstdFrameHeader.MaxLength];
    private int _headerLength;
    private long _announced = NotKnown;
    private long _frameStart; // Where the frame's content begins.
    private long _length;
    private bool _isInFrame;
    private bool _hadFrame;
    private CodecStatus _failed;

    public override bool IsComplete => _hadFrame && !_isInFrame && _failed == CodecStatus.Ok;

    public override long Length => _length;

    public override unsafe CodecStep Decode(ReadOnlySpan<byte> source, Span<byte> destination)
    {
        ObjectDisposedException.ThrowIf(_context is null, this);
        if (_failed != CodecStatus.Ok)
            return new(_failed, 0, 0);
        byte beyond;
        fixed (byte* from = source, to = destination)
        {
            var input = new LibZstd.Buffer { Start = from, Length = (nuint)source.Length };
            var output = new LibZstd.Buffer { Start = to, Length = (nuint)Math.Min(destination.Length, maxLength - _length) };
            // When the limit is reached, one byte of room tells whether there is more.
            var isAtLimit = output.Length == 0;
            if (isAtLimit)
                output = new LibZstd.Buffer { Start = &beyond, Length = 1 };
            var status = Run(source, ref input, ref output);
            if (isAtLimit && output.Position > 0)
                (status, output.Position) = (CodecStatus.TooLarge, 0);
            if (status is not (CodecStatus.NeedsInput or CodecStatus.NeedsOutput))
                _failed = status;
            _length += (long)output.Position;
            return new(status, (int)input.Position, (int)output.Position);
        }
    }

    protected override void Dispose(bool disposing)
    {
        if (Interlocked.Exchange(ref _context, null) is { } context)
            codec.ReturnDecoder(context);
    }

    private CodecStatus Run(ReadOnlySpan<byte> source, ref LibZstd.Buffer input, ref LibZstd.Buffer output)
    {
        while (true)
        {
            if (!_isInFrame && input.Position == input.Length)
                return CodecStatus.NeedsInput;
            _isInFrame = true;
            if (_announced == NotKnown && !IsHeaderGood(source[(int)input.Position..]))
                return CodecStatus.Corrupt;
            var left = DecompressStream(_context!, ref output, ref input);
            if (StatusOf(left) is var status && status != CodecStatus.Ok)
                return status == CodecStatus.NeedsOutput ? CodecStatus.Corrupt : status;
            if (left == 0)
            {
                var end = _length + (long)output.Position;
                if (_announced >= 0 && end - _frameStart != _announced)
                    return CodecStatus.Corrupt;
                (_isInFrame, _hadFrame, _headerLength, _announced, _frameStart) = (false, true, 0, NotKnown, end);
                continue;
            }
            if (output.Position == output.Length)
                return CodecStatus.NeedsOutput;
            if (input.Position == input.Length)
                return CodecStatus.NeedsInput;
        }
    }

    private bool IsHeaderGood(ReadOnlySpan<byte> source)
    {
        var taken = source[..Math.Min(source.Length, _header.Length - _headerLength)];
        taken.CopyTo(_header.AsSpan(_headerLength));
        _headerLength += taken.Length;
        switch (ZstdFrameHeader.Read(_header.AsSpan(0, _headerLength), out var header))
        {
            case CodecStatus.Ok:
                _announced = header.IsSkippable ? 0 : header.ContentLength;
                return true;
            case CodecStatus.NeedsInput:
                return _headerLength < sizeof(uint) || IsMagicGood(BinaryPrimitives.ReadUInt32LittleEndian(_header));
            default:
                return false;
        }
    }

    private static bool IsMagicGood(uint magic) => magic == ZstdFrameHeader.Magic || ZstdFrameHeader.IsSkippableMagic(magic);
}
