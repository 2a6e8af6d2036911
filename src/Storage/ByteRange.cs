namespace EdgeCache.Storage;

/// <summary>A part of a blob's content: <see cref="Length"/> bytes from <see cref="Offset"/>.</summary>
/// <param name="Offset">First byte, counted from 0.</param>
/// <param name="Length">Number of bytes; <see cref="long.MaxValue"/> means to the end.</param>
public readonly record struct ByteRange(long Offset, long Length)
{
    /// <summary>The whole content, however long.</summary>
    public static ByteRange Whole { get; } = new(0, long.MaxValue);
}
