using System.Security.Cryptography;
using EdgeCache.Storage.Log.Format;

namespace EdgeCache.Storage.Log.Tests;

/// <summary>Blob files made in memory, to be damaged and placed by a test.</summary>
internal static class BlobImages
{
    public static BlobMetadata Describe(BlobKey key, byte[] content, long generation = 1)
    {
        var digest = new Sha256Digest(SHA256.HashData(content));
        return new BlobMetadata
        {
            Key = key,
            Length = content.Length,
            Sha256 = digest,
            Created = DateTimeOffset.UnixEpoch,
            PayloadLength = content.Length,
            PayloadSha256 = digest,
            Generation = generation,
        };
    }

    public static byte[] Make(BlobKey key, byte[] content, long generation = 1) => Make(Describe(key, content, generation), content);

    public static byte[] Make(BlobMetadata metadata, byte[] payload)
    {
        uint[] checksums = [.. payload.Chunk(BlobFile.BlockLength).Select(b => Crc32C.Of(b))];
        var trailer = new byte[BlobTrailer.Measure(checksums.Length)];
        BlobTrailer.Write(trailer, checksums);
        var header = new byte[BlobHeader.Measure(metadata)];
        BlobHeader.Write(header, metadata, trailer.Length);
        return [.. header, .. payload, .. trailer];
    }
}
