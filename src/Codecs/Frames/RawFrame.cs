using System.Buffers.Binary;

namespace EdgeCache.Codecs.Frames;

/// <summary>
/// A zstd frame whose blocks are the content as it is (RFC 8878, section 3.1.1.2.2): what does not shrink costs a copy and no compressor, and the payload around it stays valid zstd.
/// </summary>
public static class RawFrame
{
    /// <summary>Most content in a block, in bytes (RFC 8878, section 3.1.1.2.4).</summary>
    public const int MaxBlockLength = 128 * 1024;

    private const int BlockHeaderLength = 3;
    private const int HeaderLength = 9;

    // A single segment, with its content's length in 4 bytes.
    private const byte Descriptor = 0xA0;

    /// <summary>Length of the frame in bytes.</summary>
    /// <param name="contentLength">In bytes.</param>
    public static int Measure(int contentLength) => HeaderLength + (BlocksOf(contentLength) * BlockHeaderLength) + contentLength;

    /// <summary>Writes the frame.</summary>
    /// <param name="content">The content.</param>
    /// <param name="destination">Where to; at least <see cref="Measure"/> bytes.</param>
    /// <returns>The frame's length in bytes.</returns>
    public static int Write(ReadOnlySpan<byte> content, Span<byte> destination)
    {
        var length = Measure(content.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(destination, ZstdFrameHeader.Magic);
        destination[sizeof(uint)] = Descriptor;
        BinaryPrimitives.WriteInt32LittleEndian(destination[(sizeof(uint) + 1)..], content.Length);
        var rest = destination[HeaderLength..];
        for (var block = BlocksOf(content.Length); block > 0; block--)
        {
            var part = content[..Math.Min(content.Length, MaxBlockLength)];
            var header = (part.Length << 3) | (block == 1 ? 1 : 0);
            rest[0] = (byte)header;
            rest[1] = (byte)(header >> 8);
            rest[2] = (byte)(header >> 16);
            part.CopyTo(rest[BlockHeaderLength..]);
            rest = rest[(BlockHeaderLength + part.Length)..];
            content = content[part.Length..];
        }
        return length;
    }

    // Also a frame without content has a block.
    private static int BlocksOf(int contentLength) => Math.Max(1, (contentLength + MaxBlockLength - 1) / MaxBlockLength);
}
