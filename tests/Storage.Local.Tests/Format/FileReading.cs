using System.Buffers.Binary;
using EdgeCache.Storage.Local.Format;
using EdgeCache.Storage.Local.Segments;

namespace EdgeCache.Storage.Local.Tests.Format;

/// <summary>Reads the parts of blobs and segments that the store itself does not give out. Does not use its readers: they are what is tested.</summary>
internal static class FileReading
{
    private const int HeaderLengthOffset = 12;
    private const int PayloadLengthOffset = 16;
    private const int TrailerLengthOffset = 24;
    private const int RecordLengthOffset = 8;

    /// <summary>The trailer of a blob, which may be followed by the zeros that end a record.</summary>
    public static byte[] Trailer(byte[] image) =>
        image.AsSpan(Int(image, HeaderLengthOffset) + Int(image, PayloadLengthOffset), Int(image, TrailerLengthOffset)).ToArray();

    public static uint[]? Checksums(byte[] image, long contentLength) => BlobTrailer.Read(Trailer(image), contentLength);

    public static uint[] ExpectedChecksums(byte[] content) => [.. content.Chunk(1 << 20).Select(b => Crc32C.Of(b))];

    /// <summary>Where each record of an undamaged segment begins, and how long it is.</summary>
    public static IReadOnlyList<(int Offset, int Length)> Records(string segment)
    {
        var bytes = File.ReadAllBytes(segment);
        var records = new List<(int, int)>();
        for (var offset = Segment.HeaderLength; offset < bytes.Length; offset += records[^1].Item2)
            records.Add((offset, Int(bytes.AsSpan(offset), RecordLengthOffset)));
        return records;
    }

    public static byte[] LastRecordBody(string segment)
    {
        var (offset, length) = Records(segment)[^1];
        return File.ReadAllBytes(segment)[(offset + RecordFormat.HeaderLength)..(offset + length)];
    }

    private static int Int(ReadOnlySpan<byte> bytes, int offset) => BinaryPrimitives.ReadInt32LittleEndian(bytes[offset..]);
}
