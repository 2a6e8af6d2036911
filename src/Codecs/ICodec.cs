namespace EdgeCache.Codecs;

/// <summary>
/// One content coding over one native library. The seam behind which another implementation can take its place. Safe for concurrent use; contexts come from a bounded
/// pool, and where it is exhausted the caller learns it at once.
/// </summary>
public interface ICodec
{
    /// <summary>The content coding's name as in <c>Content-Encoding</c> (RFC 9110, section 8.4.1).</summary>
    string Name { get; }

    /// <summary>Whether it can be used here. Does not change.</summary>
    bool IsAvailable { get; }

    /// <summary>One sentence on why it can't be used, for the operator; null when it can.</summary>
    string? WhyUnavailable { get; }

    /// <summary>Highest level; the lowest is 1.</summary>
    int MaxLevel { get; }

    /// <summary>The longest that content of a length can get, in bytes.</summary>
    /// <param name="contentLength">In bytes, from 0 to 1 GiB.</param>
    int MaxCompressedLength(int contentLength);

    /// <summary>Compresses a whole piece into one frame that says its content's length.</summary>
    /// <param name="content">The content.</param>
    /// <param name="destination">Where to. With <see cref="MaxCompressedLength"/> bytes it always fits.</param>
    /// <param name="level">From 1 to <see cref="MaxLevel"/>.</param>
    CodecResult Compress(ReadOnlySpan<byte> content, Span<byte> destination, int level);

    /// <summary>Decodes one frame, or several one after the other, that are in memory as a whole. Cut or followed by anything else, it is <see cref="CodecStatus.Corrupt"/>.</summary>
    /// <param name="payload">The frames.</param>
    /// <param name="destination">Where to: the most content that is accepted.</param>
    CodecResult Decompress(ReadOnlySpan<byte> payload, Span<byte> destination);

    /// <summary>Begins a frame that is written as its content comes.</summary>
    /// <param name="options">How.</param>
    /// <param name="encoder">The encoder, which the caller disposes.</param>
    /// <returns><see cref="CodecStatus.Ok"/>, <see cref="CodecStatus.Busy"/>, <see cref="CodecStatus.Unavailable"/> or <see cref="CodecStatus.OutOfMemory"/>.</returns>
    CodecStatus TryRentEncoder(EncoderOptions options, out StreamEncoder? encoder);

    /// <summary>Begins to decode frames as they come.</summary>
    /// <param name="options">How.</param>
    /// <param name="decoder">The decoder, which the caller disposes.</param>
    /// <returns><see cref="CodecStatus.Ok"/>, <see cref="CodecStatus.Busy"/>, <see cref="CodecStatus.Unavailable"/> or <see cref="CodecStatus.OutOfMemory"/>.</returns>
    CodecStatus TryRentDecoder(DecoderOptions options, out StreamDecoder? decoder);
}

/// <summary>How a frame is written as its content comes.</summary>
public readonly record struct EncoderOptions
{
    /// <summary>From 1 to <see cref="ICodec.MaxLevel"/>; what is beyond counts as the nearest.</summary>
    public required int Level { get; init; }

    /// <summary>Length of the content in bytes, where it is known: then the frame says it, and other content than that is a fault of the caller. Default: null.</summary>
    public long? ContentLength { get; init; }

    /// <summary>Whether the frame ends with a checksum of the content. Default: no.</summary>
    public bool Checksum { get; init; }
}

/// <summary>How frames are decoded as they come.</summary>
public readonly record struct DecoderOptions
{
    /// <summary>Most content to give out, in bytes: the first byte beyond is <see cref="CodecStatus.TooLarge"/>.</summary>
    public required long MaxLength { get; init; }
}

/// <summary>Writes one frame. One call at a time. Disposing it gives its context back.</summary>
public abstract class StreamEncoder : IDisposable
{
    /// <summary>Takes content and writes what is ready.</summary>
    /// <param name="source">Content.</param>
    /// <param name="destination">Where to; not empty.</param>
    /// <param name="mode">What is to come out.</param>
    /// <returns>
    /// <see cref="CodecStatus.Ok"/> when all was taken and written as the mode asks; <see cref="CodecStatus.NeedsOutput"/> when the call is to be repeated with
    /// what is left of the source and more room; <see cref="CodecStatus.OutOfMemory"/>.
    /// </returns>
    public abstract CodecStep Encode(ReadOnlySpan<byte> source, Span<byte> destination, EncodeMode mode);

    /// <inheritdoc/>
    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Gives the context back.</summary>
    /// <param name="disposing">Always true: what is native has a handle of its own.</param>
    protected abstract void Dispose(bool disposing);
}

/// <summary>What an encoder is to write now.</summary>
public enum EncodeMode
{
    /// <summary>What is ready: it compresses best.</summary>
    Continue,

    /// <summary>All that was taken, so that the other side can decode it now.</summary>
    Flush,

    /// <summary>All that was taken, and the end of the frame.</summary>
    End,
}

/// <summary>Decodes frames, one after the other. One call at a time. Disposing it gives its context back.</summary>
public abstract class StreamDecoder : IDisposable
{
    /// <summary>Whether all that was taken so far is whole frames, at least one: the input may end here. Asked when a call has returned <see cref="CodecStatus.NeedsInput"/>.</summary>
    public abstract bool IsComplete { get; }

    /// <summary>Content given out so far, in bytes.</summary>
    public abstract long Length { get; }

    /// <summary>Decodes.</summary>
    /// <param name="source">What has come in.</param>
    /// <param name="destination">Where to; not empty.</param>
    /// <returns>
    /// <see cref="CodecStatus.NeedsInput"/> when all was taken and given out; <see cref="CodecStatus.NeedsOutput"/> when the call is to be repeated with what is left of
    /// the source, also when that is nothing; or why it can't go on: then it never can.
    /// </returns>
    public abstract CodecStep Decode(ReadOnlySpan<byte> source, Span<byte> destination);

    /// <inheritdoc/>
    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Gives the context back.</summary>
    /// <param name="disposing">Always true: what is native has a handle of its own.</param>
    protected abstract void Dispose(bool disposing);
}
