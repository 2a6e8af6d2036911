using System.Buffers.Binary;

namespace EdgeCache.Codecs.Frames;

/// <summary>What the header of a zstd frame says (RFC 8878, section 3.1.1.1). Read here and not by the library, so that it can be judged before anything is decoded.</summary>
/// <param name="Length">Length of the header in bytes, with the magic number.</param>
/// <param name="ContentLength">Length of the content in bytes; -1 when the header does not say. Of a skippable frame, how much is to be skipped behind the header.</param>
/// <param name="WindowLength">Memory that a decoder needs, in bytes; 0 for a skippable frame.</param>
/// <param name="DictionaryId">Which dictionary it needs; 0 for none.</param>
/// <param name="HasChecksum">Whether 4 bytes of checksum follow the blocks.</param>
/// <param name="IsSkippable">Whether it holds no content.</param>
public readonly record struct ZstdFrameHeader(int Length, long ContentLength, long WindowLength, uint DictionaryId, bool HasChecksum, bool IsSkippable)
{
    /// <summary>The first four bytes of a frame, as a little-endian number.</summary>
    public const uint Magic = 0xFD2FB528;

    /// <summary>Longest header in bytes.</summary>
    public const int MaxLength = 18;

    private const uint FirstSkippable = 0x184D2A50;
    private const int SkippableLength = 8;

    /// <summary>Reads a header.</summary>
    /// <param name="start">How a frame begins; more than the header does not matter.</param>
    /// <param name="header">What it says.</param>
    /// <returns><see cref="CodecStatus.Ok"/>; <see cref="CodecStatus.NeedsInput"/> when it is longer than what is there; <see cref="CodecStatus.Corrupt"/>.</returns>
    public static CodecStatus Read(ReadOnlySpan<byte> start, out ZstdFrameHeader header)
    {
        header = default;
        if (start.Length < sizeof(uint) + 1)
            return CodecStatus.NeedsInput;
        var magic = BinaryPrimitives.ReadUInt32LittleEndian(start);
        if (IsSkippableMagic(magic))
        {
            if (start.Length < SkippableLength)
                return CodecStatus.NeedsInput;
            header = new(SkippableLength, BinaryPrimitives.ReadUInt32LittleEndian(start[sizeof(uint)..]), 0, 0, HasChecksum: false, IsSkippable: true);
            return CodecStatus.Ok;
        }
        return magic == Magic ? ReadFields(start, out header) : CodecStatus.Corrupt;
    }

    internal static bool IsSkippableMagic(uint magic) => (magic & ~0xFu) == FirstSkippable;

    private static CodecStatus ReadFields(ReadOnlySpan<byte> start, out ZstdFrameHeader header)
    {
        header = default;
        var descriptor = start[sizeof(uint)];
        var isSingle = (descriptor & 0x20) != 0;
        var sizeFlag = descriptor >> 6;
        var sizeLength = sizeFlag == 0 ? (isSingle ? 1 : 0) : 1 << sizeFlag;
        var dictionaryLength = (descriptor & 3) == 3 ? sizeof(uint) : descriptor & 3;
        var length = sizeof(uint) + 1 + (isSingle ? 0 : 1) + dictionaryLength + sizeLength;
        if ((descriptor & 0x08) != 0)
            return CodecStatus.Corrupt;
        if (start.Length < length)
            return CodecStatus.NeedsInput;
        var at = sizeof(uint) + 1;
        var window = isSingle ? 0 : WindowOf(start[at++]);
        var dictionary = (uint)ReadNumber(start.Slice(at, dictionaryLength));
        var content = sizeLength == 0 ? -1 : (long)ReadNumber(start.Slice(at + dictionaryLength, sizeLength)) + (sizeLength == 2 ? 256 : 0);
        // A length beyond what a number of ours holds is beyond every limit too.
        if (sizeLength > 0 && content < 0)
            content = long.MaxValue;
        header = new(length, content, isSingle ? content : window, dictionary, (descriptor & 0x04) != 0, IsSkippable: false);
        return CodecStatus.Ok;
    }

    private static long WindowOf(byte descriptor)
    {
        var basis = 1L << (10 + (descriptor >> 3));
        return basis + (basis / 8 * (descriptor & 7));
    }

    private static ulong ReadNumber(ReadOnlySpan<byte> bytes)
    {
        var number = 0UL;
        for (var i = bytes.Length - 1; i >= 0; i--)
            number = (number << 8) | bytes[i];
        return number;
    }
}
