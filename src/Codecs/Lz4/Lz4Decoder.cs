using EdgeCache.Codecs.Pooling;
using static EdgeCache.Codecs.Lz4.LibLz4;

namespace EdgeCache.Codecs.Lz4;

/// <summary>Frames, decoded as they come. Looks at the first bytes of each itself: the library would pass by a dictionary that it was not given.</summary>
internal sealed class Lz4Decoder(ContextPool<DecompressorHandle> pool, DecompressorHandle context, long maxLength) : StreamDecoder
{
    private const uint Magic = 0x184D2204;
    private const uint FirstSkippable = 0x184D2A50;
    private const int DictionaryFlag = 1;

    private DecompressorHandle? _context = context;
    private uint _magic;
    private int _startLength;
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
        var room = (int)Math.Min(destination.Length, maxLength - _length);
        fixed (byte* from = source, to = destination)
        {
            // When the limit is reached, one byte of room tells whether there is more.
            var isAtLimit = room == 0;
            var step = isAtLimit ? Run(source, from, &beyond, 1) : Run(source, from, to, room);
            if (isAtLimit && step.Produced > 0)
                step = new(CodecStatus.TooLarge, step.Consumed, 0);
            if (step.Status is not (CodecStatus.NeedsInput or CodecStatus.NeedsOutput))
                _failed = step.Status;
            _length += step.Produced;
            return step;
        }
    }

    protected override void Dispose(bool disposing)
    {
        if (Interlocked.Exchange(ref _context, null) is not { } context)
            return;
        Reset(context);
        pool.Return(context, keep: true);
    }

    private unsafe CodecStep Run(ReadOnlySpan<byte> source, byte* from, byte* to, int room)
    {
        var (consumed, produced) = (0, 0);
        while (true)
        {
            if (!_isInFrame && consumed == source.Length)
                return new(CodecStatus.NeedsInput, consumed, produced);
            _isInFrame = true;
            if (CheckStart(source[consumed..]) is var start && start != CodecStatus.Ok)
                return new(start, consumed, produced);
            nuint got = (nuint)(room - produced), taken = (nuint)(source.Length - consumed);
            var left = Decompress(_context!, to + produced, ref got, from + consumed, ref taken, 0);
            if (StatusOf(left) is var status && status != CodecStatus.Ok)
                return new(status == CodecStatus.NeedsOutput ? CodecStatus.Corrupt : status, consumed, produced);
            consumed += (int)taken;
            produced += (int)got;
            if (left == 0)
            {
                (_isInFrame, _hadFrame, _startLength, _magic) = (false, true, 0, 0);
                continue;
            }
            if (produced == room)
                return new(CodecStatus.NeedsOutput, consumed, produced);
            if (consumed == source.Length)
                return new(CodecStatus.NeedsInput, consumed, produced);
            if (taken == 0 && got == 0)
                return new(CodecStatus.Corrupt, consumed, produced);
        }
    }

    /// <summary>Looks at the magic number and the flags behind it (LZ4 frame format, "Frame Descriptor"), as far as they have come.</summary>
    private CodecStatus CheckStart(ReadOnlySpan<byte> source)
    {
        for (var i = 0; _startLength <= sizeof(uint) && i < source.Length; i++)
        {
            if (_startLength == sizeof(uint) && _magic == Magic && (source[i] & DictionaryFlag) != 0)
                return CodecStatus.DictionaryNeeded;
            if (_startLength < sizeof(uint))
                _magic |= (uint)source[i] << (8 * _startLength);
            _startLength++;
        }
        return _startLength < sizeof(uint) || _magic == Magic || (_magic & ~0xFu) == FirstSkippable ? CodecStatus.Ok : CodecStatus.Corrupt;
    }
}
