using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace EdgeCache.Storage.Local.Format;

/// <summary>The trailer of a blob file: the table of checksums over the content's blocks.</summary>
internal static class BlobTrailer
{
    private const int Algorithm = 1;
    private const int TableHeaderLength = 8;

    public static int Measure(int blocks) =>
        BlobFile.FieldHeaderLength + TableHeaderLength + (blocks * sizeof(uint)) + sizeof(uint);

    public static int BlocksOf(long contentLength) => checked((int)((contentLength + BlobFile.BlockLength - 1) / BlobFile.BlockLength));

    /// <summary>Fills <paramref name="trailer"/>, which has exactly the measured length.</summary>
    public static void Write(Span<byte> trailer, ReadOnlySpan<uint> checksums)
    {
        var fields = new FieldWriter(trailer);
        var table = fields.Add(FieldType.BlockChecksums, TableHeaderLength + (checksums.Length * sizeof(uint)));
        BinaryPrimitives.WriteInt32LittleEndian(table, Algorithm);
        BinaryPrimitives.WriteInt32LittleEndian(table[4..], BlobFile.BlockLength);
        for (var i = 0; i < checksums.Length; i++)
            BinaryPrimitives.WriteUInt32LittleEndian(table[(TableHeaderLength + (i * sizeof(uint)))..], checksums[i]);
        BinaryPrimitives.WriteUInt32LittleEndian(trailer[^sizeof(uint)..], Crc32C.Of(trailer[..^sizeof(uint)]));
    }

    /// <summary>Whether the trailer is what was written.</summary>
    public static bool Check(ReadOnlySpan<byte> trailer) =>
        trailer.Length >= sizeof(uint) && BinaryPrimitives.ReadUInt32LittleEndian(trailer[^sizeof(uint)..]) == Crc32C.Of(trailer[..^sizeof(uint)]);

    /// <summary>Reads the table; null when the trailer is damaged or has none that can be used.</summary>
    public static uint[]? Read(ReadOnlySpan<byte> trailer, long contentLength)
    {
        if (!Check(trailer))
            return null;
        var fields = new FieldReader(trailer[..^sizeof(uint)]);
        while (fields.TryRead(out var type, out var value))
        {
            if (type != FieldType.BlockChecksums)
                continue;
            var blocks = BlocksOf(contentLength);
            if (value.Length != TableHeaderLength + (blocks * sizeof(uint)) || BinaryPrimitives.ReadInt32LittleEndian(value) != Algorithm
                || BinaryPrimitives.ReadInt32LittleEndian(value[4..]) != BlobFile.BlockLength)
                return null;
            var checksums = new uint[blocks];
            value[TableHeaderLength..].CopyTo(MemoryMarshal.AsBytes(checksums.AsSpan()));
            if (!BitConverter.IsLittleEndian)
                BinaryPrimitives.ReverseEndianness(checksums, checksums);
            return checksums;
        }
        return null;
    }
}
