namespace EdgeCache.Codecs.Frames;

/// <summary>Makes the frames of a payload, each from a piece of content that is in memory.</summary>
public static class FrameCompressor
{
    /// <summary>Room that <see cref="Compress"/> needs, in bytes.</summary>
    /// <param name="codec">The codec.</param>
    /// <param name="contentLength">In bytes.</param>
    public static int Measure(ICodec codec, int contentLength) => Math.Max(codec.MaxCompressedLength(contentLength), RawFrame.Measure(contentLength));

    /// <summary>Writes one frame. It is a raw one where compressing gains nothing, or can't be done now.</summary>
    /// <param name="codec">The codec for <c>zstd</c>.</param>
    /// <param name="content">1 to <see cref="SeekTable.FrameContentLength"/> bytes.</param>
    /// <param name="destination">Where to; at least <see cref="Measure"/> bytes.</param>
    /// <param name="level">From 1 to <see cref="ICodec.MaxLevel"/>; 0 for a raw frame.</param>
    /// <param name="status"><see cref="CodecStatus.Ok"/>, or why it was not compressed.</param>
    /// <returns>The frame's length in bytes.</returns>
    public static int Compress(ICodec codec, ReadOnlySpan<byte> content, Span<byte> destination, int level, out CodecStatus status)
    {
        status = CodecStatus.Ok;
        if (level > 0)
        {
            var made = codec.Compress(content, destination, level);
            status = made.Status;
            if (made.IsOk && made.Length < RawFrame.Measure(content.Length))
                return made.Length;
        }
        return RawFrame.Write(content, destination);
    }
}
