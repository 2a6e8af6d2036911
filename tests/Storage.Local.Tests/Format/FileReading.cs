using System.Buffers.Binary;
using EdgeCache.Storage.Local.Format;

namespace EdgeCache.Storage.Local.Tests.Format;

/// <summary>Reads the parts of a blob file that the store itself does not give out.</summary>
internal static class FileReading
{
    public static byte[] Trailer(string path)
    {
        var file = File.ReadAllBytes(path);
        return file[^BinaryPrimitives.ReadInt32LittleEndian(file.AsSpan(24))..];
    }

    public static uint[]? Checksums(string path, long contentLength) => BlobTrailer.Read(Trailer(path), contentLength);

    public static uint[] ExpectedChecksums(byte[] content) => [.. content.Chunk(1 << 20).Select(b => Crc32C.Of(b))];
}
