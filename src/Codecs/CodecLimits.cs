namespace EdgeCache.Codecs;

/// <summary>How much a codec may take at a time.</summary>
public sealed record CodecLimits
{
    /// <summary>Pieces that are compressed at a time, 1 and more. More than there are processors gains nothing. Default: one a processor, at least 2.</summary>
    public int MaxCompressors { get; init; } = Math.Max(2, Environment.ProcessorCount);

    /// <summary>
    /// Streams that are written at a time, and as many that are decoded, 1 and more. A stream keeps its context as long as the other side takes to send or receive, and that may have
    /// a whole window. Default: 16, together at most 128 MiB of windows.
    /// </summary>
    public int MaxStreams { get; init; } = 16;

    /// <summary>Largest window of a frame that is decoded, as a power of two, 10 to 27. Default: 23, the 8 MiB that every decoder should support (RFC 8878, section 3.1.1.1.2).</summary>
    public int MaxWindowLog { get; init; } = 23;
}
