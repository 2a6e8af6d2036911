using System.Buffers.Binary;
using System.Text;

namespace EdgeCache.Storage.Local.Index;

/// <summary>
/// The snapshot file, all numbers little-endian: a prologue; the tables of segments and namespaces; blocks of entries, ascending by shard; a trailer.
/// Every byte is under a CRC-32C, and the trailer's chain of all checksums ties the parts together.
/// </summary>
internal static class SnapshotFormat
{
    public const uint Version = 1;
    public const int BufferLength = 1 << 20;
    public const int PrologueLength = 56;
    public const int BlockHeaderLength = 16;
    public const int TrailerLength = 24;

    /// <summary>Entries of a block, which a buffer holds whole.</summary>
    public const int MaxBlockEntries = (BufferLength - BlockHeaderLength) / IndexEntry.Size;

    /// <summary>Largest tables: 65,536 namespaces, and segments for some 50 TB.</summary>
    public const int MaxTablesLength = 16 << 20;

    private const int SegmentLength = 16;
    private const int NameHeaderLength = 3;

    public static ReadOnlySpan<byte> Magic => "ECINDEX\n"u8;

    public static ReadOnlySpan<byte> TrailerMagic => "ECINDEND"u8;

    public static byte[] EncodeTables(SnapshotHeader header)
    {
        var length = (header.Segments.Count * (long)SegmentLength) + header.Namespaces.Values.Sum(n => (long)NameHeaderLength + n.Length);
        if (length > MaxTablesLength)
            throw new ArgumentException("There are too many segments for a snapshot.", nameof(header));
        var tables = new byte[length];
        var rest = tables.AsSpan();
        foreach (var segment in header.Segments)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(rest, segment.Segment);
            rest[4] = segment.Class;
            BinaryPrimitives.WriteInt64LittleEndian(rest[8..], segment.Position);
            rest = rest[SegmentLength..];
        }
        foreach (var (id, name) in header.Namespaces)
        {
            if (!BlobKey.IsLabel(name))
                throw new ArgumentException("A namespace has a name that is none.", nameof(header));
            BinaryPrimitives.WriteUInt16LittleEndian(rest, id);
            rest[2] = (byte)name.Length;
            Encoding.ASCII.GetBytes(name, rest[NameHeaderLength..]);
            rest = rest[(NameHeaderLength + name.Length)..];
        }
        return tables;
    }

    public static void EncodePrologue(Span<byte> prologue, SnapshotHeader header, ReadOnlySpan<byte> tables)
    {
        Magic.CopyTo(prologue);
        BinaryPrimitives.WriteUInt32LittleEndian(prologue[8..], Version);
        BinaryPrimitives.WriteUInt32LittleEndian(prologue[12..], (uint)header.Segments.Count);
        header.StoreId.TryWriteBytes(prologue[16..]);
        BinaryPrimitives.WriteUInt64LittleEndian(prologue[32..], header.NextGeneration);
        BinaryPrimitives.WriteUInt32LittleEndian(prologue[40..], (uint)header.Namespaces.Count);
        BinaryPrimitives.WriteUInt32LittleEndian(prologue[44..], (uint)tables.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(prologue[48..], Crc32C.Of(tables));
        BinaryPrimitives.WriteUInt32LittleEndian(prologue[52..], Crc32C.Of(prologue[..52]));
    }

    /// <summary>Checks a prologue and tells how long the tables are, so that nothing is allocated on the word of a damaged file.</summary>
    /// <exception cref="InvalidDataException">It is damaged, or not ours.</exception>
    public static int CheckPrologue(ReadOnlySpan<byte> prologue, Guid storeId)
    {
        if (!prologue.StartsWith(Magic))
            throw new InvalidDataException("It is no index snapshot.");
        Require(BinaryPrimitives.ReadUInt32LittleEndian(prologue[52..]) == Crc32C.Of(prologue[..52]), "The checksum of its prologue is wrong.");
        Require(BinaryPrimitives.ReadUInt32LittleEndian(prologue[8..]) == Version, "It has another version.");
        Require(new Guid(prologue.Slice(16, 16)) == storeId, "It belongs to another store.");
        var length = BinaryPrimitives.ReadUInt32LittleEndian(prologue[44..]);
        Require(length <= MaxTablesLength, "Its tables are too long.");
        return (int)length;
    }

    /// <summary>Reads the tables that belong to a checked prologue.</summary>
    /// <exception cref="InvalidDataException">The tables are damaged.</exception>
    public static SnapshotHeader Decode(ReadOnlySpan<byte> prologue, ReadOnlySpan<byte> tables)
    {
        Require(BinaryPrimitives.ReadUInt32LittleEndian(prologue[48..]) == Crc32C.Of(tables), "The checksum of its tables is wrong.");
        var segments = DecodeSegments(ref tables, BinaryPrimitives.ReadUInt32LittleEndian(prologue[12..]));
        var namespaces = DecodeNamespaces(ref tables, BinaryPrimitives.ReadUInt32LittleEndian(prologue[40..]));
        Require(tables.IsEmpty, "Its tables have a rest.");
        return new SnapshotHeader
        {
            StoreId = new Guid(prologue.Slice(16, 16)),
            NextGeneration = BinaryPrimitives.ReadUInt64LittleEndian(prologue[32..]),
            Segments = segments,
            Namespaces = namespaces,
        };
    }

    public static void Require(bool condition, string fault)
    {
        if (!condition)
            throw new InvalidDataException(fault);
    }

    private static List<SegmentPosition> DecodeSegments(ref ReadOnlySpan<byte> tables, uint count)
    {
        Require(count <= tables.Length / SegmentLength, "Its table of segments is too short.");
        var segments = new List<SegmentPosition>((int)count);
        var ids = new HashSet<uint>();
        for (; count > 0; count--)
        {
            var segment = new SegmentPosition(BinaryPrimitives.ReadUInt32LittleEndian(tables), tables[4], BinaryPrimitives.ReadInt64LittleEndian(tables[8..]));
            Require(segment.Position >= 0 && ids.Add(segment.Segment), "Its table of segments makes no sense.");
            segments.Add(segment);
            tables = tables[SegmentLength..];
        }
        return segments;
    }

    private static Dictionary<ushort, string> DecodeNamespaces(ref ReadOnlySpan<byte> tables, uint count)
    {
        var namespaces = new Dictionary<ushort, string>();
        for (; count > 0; count--)
        {
            Require(tables.Length > NameHeaderLength && tables.Length >= NameHeaderLength + tables[2], "Its table of namespaces is too short.");
            var name = Encoding.ASCII.GetString(tables.Slice(NameHeaderLength, tables[2]));
            Require(BlobKey.IsLabel(name) && namespaces.TryAdd(BinaryPrimitives.ReadUInt16LittleEndian(tables), name), "Its table of namespaces makes no sense.");
            tables = tables[(NameHeaderLength + name.Length)..];
        }
        return namespaces;
    }
}
