using System.Buffers.Binary;

namespace EdgeCache.Storage.Local.Segments;

/// <summary>What a record of the log is.</summary>
internal enum RecordKind : byte
{
    /// <summary>A small blob: the image of a blob file, inside the record.</summary>
    Blob = 1,

    /// <summary>A large blob: the header of its file, which is in a file of its own.</summary>
    LargeBlob = 2,
}

/// <summary>The header of a record.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Dead">Whether its key was deleted or written again: marked in place, so that no rebuild brings it back.</param>
/// <param name="Length">Bytes of the whole record, a multiple of 8.</param>
/// <param name="Hash">The hash of its key.</param>
/// <param name="Generation">Which of two records of one key is newer.</param>
internal readonly record struct RecordHeader(RecordKind Kind, bool Dead, int Length, KeyHash Hash, long Generation);

/// <summary>
/// Records in a segment, one after the other, each at a multiple of 8. All integers are little-endian.
/// <code>
///  0  4  "EREC"
///  4  1  kind
///  5  1  0 = live, 1 = dead: the only byte that ever changes
///  6  2  zero
///  8  4  length of the record, a multiple of 8
/// 12  4  CRC-32C of this header, with zero here and in the live byte
/// 16 16  hash of the key
/// 32  8  generation
/// 40  -  body: the image of a blob file (Blob), its header alone (LargeBlob); then zeros
/// </code>
/// The body has checksums of its own.
/// </summary>
internal static class RecordFormat
{
    public const int HeaderLength = 40;
    public const int Alignment = 8;
    public const int StateOffset = 5;
    public const byte Dead = 1;

    /// <summary>No record is longer: header, the image of a small blob, padding.</summary>
    public const int MaxLength = 256 * 1024;

    private const int KindOffset = 4;
    private const int LengthOffset = 8;
    private const int ChecksumOffset = 12;
    private const int HashOffset = 16;
    private const int GenerationOffset = 32;

    private static ReadOnlySpan<byte> Magic => "EREC"u8;

    public static int LengthFor(int body) => (HeaderLength + body + Alignment - 1) & ~(Alignment - 1);

    public static void Write(Span<byte> target, RecordKind kind, int length, KeyHash hash, long generation)
    {
        var header = target[..HeaderLength];
        header.Clear();
        Magic.CopyTo(header);
        header[KindOffset] = (byte)kind;
        BinaryPrimitives.WriteInt32LittleEndian(header[LengthOffset..], length);
        BinaryPrimitives.WriteUInt64LittleEndian(header[HashOffset..], hash.Low);
        BinaryPrimitives.WriteUInt64LittleEndian(header[(HashOffset + 8)..], hash.High);
        BinaryPrimitives.WriteInt64LittleEndian(header[GenerationOffset..], generation);
        BinaryPrimitives.WriteUInt32LittleEndian(header[ChecksumOffset..], Crc32C.Of(header));
    }

    /// <summary>Reads a header; false when there is no whole, unaltered one.</summary>
    public static bool TryRead(ReadOnlySpan<byte> source, out RecordHeader header)
    {
        header = default;
        if (source.Length < HeaderLength || !source.StartsWith(Magic))
            return false;
        Span<byte> copy = stackalloc byte[HeaderLength];
        source[..HeaderLength].CopyTo(copy);
        var dead = copy[StateOffset];
        copy[StateOffset] = 0;
        var checksum = BinaryPrimitives.ReadUInt32LittleEndian(copy[ChecksumOffset..]);
        BinaryPrimitives.WriteUInt32LittleEndian(copy[ChecksumOffset..], 0);
        var length = BinaryPrimitives.ReadInt32LittleEndian(copy[LengthOffset..]);
        if (Crc32C.Of(copy) != checksum || dead > Dead || length is < HeaderLength or > MaxLength || length % Alignment != 0)
            return false;
        var hash = new KeyHash(BinaryPrimitives.ReadUInt64LittleEndian(copy[HashOffset..]), BinaryPrimitives.ReadUInt64LittleEndian(copy[(HashOffset + 8)..]));
        header = new RecordHeader((RecordKind)copy[KindOffset], dead == Dead, length, hash, BinaryPrimitives.ReadInt64LittleEndian(copy[GenerationOffset..]));
        return true;
    }
}
