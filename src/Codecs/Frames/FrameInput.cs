using System.Buffers;

namespace EdgeCache.Codecs.Frames;

/// <summary>
/// Takes a zstd payload as it comes from outside, and gives out its content piece by piece; with it the frame that it came in, wherever that frame alone is in a form that can
/// be stored as it is: at most <see cref="SeekTable.FrameContentLength"/> bytes of content, whose length it says. From the first frame that is in no such form on, all is decoded as a
/// stream. Holds one frame and one piece in memory, whatever comes in.
/// </summary>
/// <remarks>One call at a time. The buffers are the pool's: what was given out is good until the next call.</remarks>
/// <param name="zstd">The codec for <c>zstd</c>.</param>
/// <param name="options">How much content there may be.</param>
public sealed class FrameInput(ICodec zstd, DecoderOptions options) : IDisposable
{
    /// <summary>Largest window that a stored frame may ask of whoever gets it, in bytes (RFC 8878, section 3.1.1.1.2).</summary>
    private const long MaxWindowLength = 8 << 20;

    private static readonly int MaxFrameLength = SeekTable.MaxFrameLength(SeekTable.FrameContentLength);

    private byte[]? _frame = ArrayPool<byte>.Shared.Rent(MaxFrameLength);
    private byte[]? _content = ArrayPool<byte>.Shared.Rent(SeekTable.FrameContentLength);
    private FrameWalk _walk;
    private int _framed;
    private long _length;
    private bool _hadFrame;
    private StreamDecoder? _stream;

    // Of what was gathered for a frame, how much the stream has taken.
    private int _streamed;

    /// <summary>The piece of content that the last call has made.</summary>
    public ReadOnlyMemory<byte> Content { get; private set; }

    /// <summary>The whole frame that <see cref="Content"/> came in; empty where it can't be stored as it is.</summary>
    public ReadOnlyMemory<byte> Frame { get; private set; }

    /// <summary>Whether all that was taken so far is whole frames, at least one: the payload may end here. Asked when a call has returned <see cref="CodecStatus.NeedsInput"/>.</summary>
    public bool IsComplete => _stream is null ? _hadFrame && _framed == 0 : _stream.IsComplete;

    /// <summary>Takes payload until there is a piece of content.</summary>
    /// <param name="source">What has come in; what was taken is cut off its start.</param>
    /// <returns>
    /// <see cref="CodecStatus.Ok"/>: there is a piece, and the call is to be repeated with what is left, also when that is nothing. <see cref="CodecStatus.NeedsInput"/>: all was taken.
    /// Or why it can't go on; among it <see cref="CodecStatus.Busy"/>, when it would have to be decoded as a stream and too many are.
    /// </returns>
    public CodecStatus Take(ref ReadOnlySpan<byte> source)
    {
        ObjectDisposedException.ThrowIf(_frame is null, this);
        (Content, Frame) = (default, default);
        while (_stream is null)
        {
            // Never more than the frame is sure to have: what is behind it belongs to the next.
            var taken = (int)Math.Min(source.Length, Math.Max(1, _walk.Length) - _framed);
            source[..taken].CopyTo(_frame.AsSpan(_framed));
            source = source[taken..];
            _framed += taken;
            var status = _framed < Math.Max(1, _walk.Length) ? CodecStatus.NeedsInput : _walk.Continue(_frame.AsSpan(0, _framed));
            if (status == CodecStatus.NeedsInput && CanGather)
            {
                if (source.IsEmpty)
                    return status;
                continue;
            }
            if (status == CodecStatus.Ok && CanGather)
                status = EndFrame();
            else if (status is CodecStatus.Ok or CodecStatus.NeedsInput)
                status = zstd.TryRentDecoder(new DecoderOptions { MaxLength = options.MaxLength - _length }, out _stream);
            if (status != CodecStatus.Ok || Content.Length > 0)
                return status;
        }
        return Stream(ref source);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _stream?.Dispose();
        if (_frame is not null)
            ArrayPool<byte>.Shared.Return(_frame);
        if (_content is not null)
            ArrayPool<byte>.Shared.Return(_content);
        (_frame, _content, Content, Frame) = (null, null, default, default);
    }

    /// <summary>
    /// Whether the frame can be gathered as a whole, as far as is known of it. Not one whose window is smaller than a block of it could be: what blocks of it decode to is only checked by
    /// decoders that go by blocks, and those who get it may have such.
    /// </summary>
    private bool CanGather => _walk.Length <= MaxFrameLength && _walk.Header is var header
        && (header.Length == 0 || header.IsSkippable || (header.ContentLength is >= 0 and <= SeekTable.FrameContentLength && header.WindowLength <= MaxWindowLength
            && header.WindowLength >= Math.Min(header.ContentLength, RawFrame.MaxBlockLength)));

    private CodecStatus EndFrame()
    {
        var frame = _frame.AsMemory(0, _framed);
        var header = _walk.Header;
        (_walk, _framed, _hadFrame) = (default, 0, true);
        if (header.IsSkippable)
            return CodecStatus.Ok;
        if (header.ContentLength > options.MaxLength - _length)
            return CodecStatus.TooLarge;
        var result = zstd.Decompress(frame.Span, _content.AsSpan(0, (int)header.ContentLength));
        if (!result.IsOk)
            return result.Status == CodecStatus.NeedsOutput ? CodecStatus.Corrupt : result.Status;
        if (result.Length != header.ContentLength)
            return CodecStatus.Corrupt;
        _length += result.Length;
        Content = _content.AsMemory(0, result.Length);
        Frame = frame;
        return CodecStatus.Ok;
    }

    private CodecStatus Stream(ref ReadOnlySpan<byte> source)
    {
        var produced = 0;
        while (true)
        {
            var gathered = _frame.AsSpan(_streamed, _framed - _streamed);
            var step = _stream!.Decode(gathered.IsEmpty ? source : gathered, _content.AsSpan(produced, SeekTable.FrameContentLength - produced));
            if (gathered.IsEmpty)
                source = source[step.Consumed..];
            else
                _streamed += step.Consumed;
            produced += step.Produced;
            if (step.Status == CodecStatus.NeedsInput && !gathered.IsEmpty && !source.IsEmpty && produced < SeekTable.FrameContentLength)
                continue;
            if (step.Status is not (CodecStatus.NeedsInput or CodecStatus.NeedsOutput) || produced == 0)
                return step.Status;
            Content = _content.AsMemory(0, produced);
            return CodecStatus.Ok;
        }
    }
}
