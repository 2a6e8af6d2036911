using System.Buffers.Binary;

namespace EdgeCache.Codecs.Frames;

/// <summary>
/// The table at the end of a framed payload: how long each frame is, in a skippable frame, so that a decoder that does not know it passes it by. The layout is that of the zstd seekable
/// format (contrib/seekable_format of the zstd sources, version 0.1.0), without checksums: whoever has the content's checks has better ones.
/// <code>
///  0  4  0x184D2A5E
///  4  4  length of what follows
///  8  8  a frame: length (4), length of its content (4)
/// -9  4  number of frames
/// -5  1  zero
/// -4  4  0x8F92EAB1
/// </code>
/// All frames but the last hold exactly <see cref="FrameContentLength"/> bytes of content: the frame of an offset is known without looking.
/// </summary>
public static class SeekTable
{
    /// <summary>Content of a frame in bytes, except for the last, which has at least 1 and at most so many.</summary>
    public const int FrameContentLength = 1 << 20;

    private const uint SkippableMagic = 0x184D2A5E;
    private const uint SeekableMagic = 0x8F92EAB1;
    private const int HeaderLength = 8;
    private const int EntryLength = 8;
    private const int FooterLength = 9;

    /// <summary>Most frames: what an array can hold the table of.</summary>
    private const long MaxFrames = (int.MaxValue - 1024) / EntryLength;

    /// <summary>How many frames content of a length has.</summary>
    /// <param name="contentLength">In bytes.</param>
    public static long FramesOf(long contentLength) => (contentLength / FrameContentLength) + (contentLength % FrameContentLength == 0 ? 0 : 1);

    /// <summary>Length of the table in bytes.</summary>
    /// <param name="frames">Number of frames.</param>
    public static long Measure(long frames) => HeaderLength + (frames * EntryLength) + FooterLength;

    /// <summary>Writes the table.</summary>
    /// <param name="frameLengths">Length of each frame in bytes.</param>
    /// <param name="contentLength">Length of the content in bytes.</param>
    /// <param name="destination">Where to; exactly <see cref="Measure"/> bytes.</param>
    public static void Write(ReadOnlySpan<int> frameLengths, long contentLength, Span<byte> destination)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(destination, SkippableMagic);
        BinaryPrimitives.WriteInt32LittleEndian(destination[sizeof(uint)..], destination.Length - HeaderLength);
        for (var i = 0; i < frameLengths.Length; i++)
        {
            var entry = destination[(HeaderLength + (i * EntryLength))..];
            BinaryPrimitives.WriteInt32LittleEndian(entry, frameLengths[i]);
            BinaryPrimitives.WriteInt32LittleEndian(entry[sizeof(int)..], ContentOf(i, contentLength));
        }
        var footer = destination[^FooterLength..];
        BinaryPrimitives.WriteInt32LittleEndian(footer, frameLengths.Length);
        footer[sizeof(int)] = 0;
        BinaryPrimitives.WriteUInt32LittleEndian(footer[(sizeof(int) + 1)..], SeekableMagic);
    }

    /// <summary>Where the table of a payload must be, if it has one.</summary>
    /// <param name="contentLength">Length of the content in bytes.</param>
    /// <param name="payloadLength">Length of the payload in bytes.</param>
    /// <param name="length">The table's length in bytes.</param>
    /// <returns>Its offset in the payload; -1 when these lengths can't be those of a framed payload.</returns>
    public static long Find(long contentLength, long payloadLength, out int length)
    {
        length = 0;
        var frames = FramesOf(contentLength);
        // The shortest frame has more bytes than an entry.
        if (contentLength <= 0 || frames > MaxFrames || payloadLength <= Measure(frames) + (frames * EntryLength))
            return -1;
        length = (int)Measure(frames);
        return payloadLength - length;
    }

    /// <summary>Reads a table, and believes it only if it is exactly what these lengths ask for.</summary>
    /// <param name="table">The bytes that <see cref="Find"/> tells.</param>
    /// <param name="contentLength">Length of the content in bytes.</param>
    /// <param name="payloadLength">Length of the payload in bytes.</param>
    /// <returns>Where each frame begins in the payload, and behind the last of these where the last frame ends; null when it is no such table.</returns>
    public static long[]? Read(ReadOnlySpan<byte> table, long contentLength, long payloadLength)
    {
        var end = Find(contentLength, payloadLength, out var length);
        if (end < 0 || table.Length != length || !IsAround(table))
            return null;
        var frames = (int)FramesOf(contentLength);
        var starts = new long[frames + 1];
        for (var i = 0; i < frames; i++)
        {
            var entry = table[(HeaderLength + (i * EntryLength))..];
            var content = ContentOf(i, contentLength);
            var frame = BinaryPrimitives.ReadInt32LittleEndian(entry);
            if (BinaryPrimitives.ReadInt32LittleEndian(entry[sizeof(int)..]) != content || frame <= EntryLength || frame > MaxFrameLength(content))
                return null;
            starts[i + 1] = starts[i] + frame;
        }
        return starts[frames] == end ? starts : null;
    }

    /// <summary>Longest frame that is stored for content of a length, in bytes: one that does not shrink is a <see cref="RawFrame"/>, and a checksum may follow.</summary>
    /// <param name="contentLength">In bytes.</param>
    public static int MaxFrameLength(int contentLength) => RawFrame.Measure(contentLength) + ZstdFrameHeader.MaxLength;

    /// <summary>Length of a frame's content in bytes.</summary>
    /// <param name="frame">Its number, from 0.</param>
    /// <param name="contentLength">Length of the whole content in bytes.</param>
    public static int ContentOf(long frame, long contentLength) => (int)Math.Min(FrameContentLength, contentLength - (frame * FrameContentLength));

    private static bool IsAround(ReadOnlySpan<byte> table)
    {
        var footer = table[^FooterLength..];
        return BinaryPrimitives.ReadUInt32LittleEndian(table) == SkippableMagic
            && BinaryPrimitives.ReadInt32LittleEndian(table[sizeof(uint)..]) == table.Length - HeaderLength
            && BinaryPrimitives.ReadInt32LittleEndian(footer) == (table.Length - HeaderLength - FooterLength) / EntryLength
            && footer[sizeof(int)] == 0
            && BinaryPrimitives.ReadUInt32LittleEndian(footer[(sizeof(int) + 1)..]) == SeekableMagic;
    }
}
