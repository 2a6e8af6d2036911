using System.Buffers.Binary;
using System.Security.Cryptography;

namespace EdgeCache.Storage.Local.Format;

/// <summary>A blob file that is in memory as a whole, as a record of the log has it.</summary>
/// <param name="Metadata">What its header says.</param>
/// <param name="PayloadOffset">Where the payload begins.</param>
internal readonly record struct BlobImage(BlobMetadata Metadata, int PayloadOffset)
{
    /// <summary>Reads an image; false when it is not whole and unaltered. The header's checksum field is zeroed on the way and restored.</summary>
    /// <param name="image">The image, and possibly padding behind it.</param>
    /// <param name="verifyPayload">Whether the payload is held against its checksums too.</param>
    /// <param name="result">What it is.</param>
    public static bool TryRead(Span<byte> image, bool verifyPayload, out BlobImage result)
    {
        result = default;
        // The payload's length first: only then can the sum of the lengths not overflow.
        if (!TryReadHeader(image, out var info) || info.Metadata.PayloadLength > image.Length || info.FileLength > image.Length)
            return false;
        result = new BlobImage(info.Metadata, info.HeaderLength);
        return !verifyPayload || IsPayloadGood(image, info);
    }

    /// <summary>Reads the header alone.</summary>
    public static bool TryReadHeader(Span<byte> image, out BlobHeaderInfo info)
    {
        info = null!;
        if (image.Length < BlobFile.PrologueLength || !image.StartsWith(BlobFile.Magic))
            return false;
        var length = BinaryPrimitives.ReadInt32LittleEndian(image[BlobFile.HeaderLengthOffset..]);
        if (length < BlobFile.PrologueLength || length > image.Length)
            return false;
        var checksum = image.Slice(BlobFile.ChecksumOffset, sizeof(uint));
        var before = BinaryPrimitives.ReadUInt32LittleEndian(checksum);
        var verdict = BlobHeaderReader.Parse(image[..length], out var parsed);
        BinaryPrimitives.WriteUInt32LittleEndian(checksum, before);
        info = parsed!;
        return verdict == FileVerdict.Good;
    }

    private static bool IsPayloadGood(ReadOnlySpan<byte> image, BlobHeaderInfo info)
    {
        var payloadLength = (int)info.Metadata.PayloadLength;
        var trailer = image.Slice(info.HeaderLength + payloadLength, info.TrailerLength);
        var payload = image.Slice(info.HeaderLength, payloadLength);

        // Of the content there are checksums; of a payload that is something else there is the digest, for which it need not be decoded.
        if (info.Metadata.Coding.Length > 0)
            return BlobTrailer.Check(trailer) && new Sha256Digest(SHA256.HashData(payload)) == info.Metadata.PayloadSha256;
        if (BlobTrailer.Read(trailer, info.Metadata.Length) is not { } checksums)
            return false;
        for (var i = 0; i < checksums.Length; i++)
        {
            var block = payload[(i * BlobFile.BlockLength)..];
            if (Crc32C.Of(block[..Math.Min(block.Length, BlobFile.BlockLength)]) != checksums[i])
                return false;
        }
        return true;
    }
}
