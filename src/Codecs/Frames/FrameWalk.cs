namespace EdgeCache.Codecs.Frames;

/// <summary>
/// Finds where a frame ends, by the headers of its blocks (RFC 8878, section 3.1.1.2), without decoding it. Goes on where it stopped, so that a frame of a million tiny blocks that
/// comes byte by byte is walked once.
/// </summary>
public struct FrameWalk
{
    private const int BlockHeaderLength = 3;
    private const int ChecksumLength = 4;
    private const int RunBlock = 1;
    private const int ReservedBlock = 3;

    private long _block;
    private bool _wasLast;
    private ZstdFrameHeader _header;

    /// <summary>The frame's header, once it is there: its length is not 0 then.</summary>
    public readonly ZstdFrameHeader Header => _header;

    /// <summary>The frame's length in bytes when the last call has returned <see cref="CodecStatus.Ok"/>; else how much there must be at least to get on.</summary>
    public long Length { get; private set; }

    /// <summary>Walks on.</summary>
    /// <param name="frame">The frame from its start, as far as it is there, and whatever is behind it.</param>
    /// <returns><see cref="CodecStatus.Ok"/> when it is there as a whole; <see cref="CodecStatus.NeedsInput"/>; <see cref="CodecStatus.Corrupt"/>.</returns>
    public CodecStatus Continue(ReadOnlySpan<byte> frame)
    {
        if (_header.Length == 0)
        {
            Length = frame.Length + 1L;
            if (ZstdFrameHeader.Read(frame, out _header) is var status && status != CodecStatus.Ok)
                return status;
            _block = _header.Length + (_header.IsSkippable ? _header.ContentLength : 0);
            _wasLast = _header.IsSkippable;
        }
        while (!_wasLast)
        {
            Length = _block + BlockHeaderLength;
            if (Length > frame.Length)
                return CodecStatus.NeedsInput;
            var block = frame[(int)_block] | (frame[(int)_block + 1] << 8) | (frame[(int)_block + 2] << 16);
            var type = (block >> 1) & 3;
            // No block is longer than the window: a decoder that goes by whole frames would not notice, one that goes by blocks refuses (section 3.1.1.2.4).
            if (type == ReservedBlock || block >> 3 > Math.Min(_header.WindowLength, RawFrame.MaxBlockLength))
                return CodecStatus.Corrupt;
            _wasLast = (block & 1) != 0;
            _block = Length + (type == RunBlock ? 1 : block >> 3);
        }
        Length = _block + (_header.HasChecksum ? ChecksumLength : 0);
        return Length > frame.Length ? CodecStatus.NeedsInput : CodecStatus.Ok;
    }
}
