using System.Buffers;
using System.Security.Cryptography;
using EdgeCache.Codecs.Frames;
using EdgeCache.Storage.Local.Compressing;
using EdgeCache.Storage.Local.Files;
using EdgeCache.Storage.Local.Format;

namespace EdgeCache.Storage.Local.Scrubbing;

/// <summary>Holds the payload of a large blob in a coding against its SHA-256, and where it can be decoded, each frame's content against its checksum.</summary>
internal sealed class PayloadCheck(IStoreFile file, BlobHeaderInfo info, StoreCompression compression)
{
    private readonly BlobMetadata _metadata = info.Metadata;

    /// <summary>Whether it is what was written.</summary>
    /// <exception cref="IOException">The disk failed.</exception>
    public async ValueTask<bool> IsGoodAsync(uint[] checksums, RateLimit rate, CancellationToken cancellationToken)
    {
        using var digest = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var starts = compression.CanDecode(_metadata.Coding) ? ReadTable() : Blocks();
        if (starts is null)
            return false;
        var payload = ArrayPool<byte>.Shared.Rent(SeekTable.MaxFrameLength(SeekTable.FrameContentLength));
        var content = ArrayPool<byte>.Shared.Rent(SeekTable.FrameContentLength);
        try
        {
            for (var i = 0; i < starts.Length; i++)
            {
                // Behind the last frame is the table.
                var end = i + 1 < starts.Length ? starts[i + 1] : _metadata.PayloadLength;
                for (var at = starts[i]; at < end;)
                {
                    var length = (int)Math.Min(payload.Length, end - at);
                    if (file.Read(info.HeaderLength + at, payload.AsSpan(0, length)) < length)
                        return false;
                    digest.AppendData(payload, 0, length);
                    at += length;
                    await rate.SpendAsync(length, cancellationToken).ConfigureAwait(false);
                }
                if (compression.CanDecode(_metadata.Coding) && i < checksums.Length && !IsFrameGood(i, payload.AsSpan(0, (int)(end - starts[i])), content, checksums[i]))
                    return false;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(payload);
            ArrayPool<byte>.Shared.Return(content);
        }
        return new Sha256Digest(digest.GetHashAndReset()) == _metadata.PayloadSha256;
    }

    private bool IsFrameGood(int frame, ReadOnlySpan<byte> payload, byte[] content, uint checksum)
    {
        var length = SeekTable.ContentOf(frame, _metadata.Length);
        return compression.Zstd.Decompress(payload, content.AsSpan(0, length)) is { IsOk: true } result && result.Length == length && Crc32C.Of(content.AsSpan(0, length)) == checksum;
    }

    /// <summary>The whole payload as one piece, where nothing is known of what is in it.</summary>
    private static long[] Blocks() => [0];

    private long[]? ReadTable()
    {
        var at = SeekTable.Find(_metadata.Length, _metadata.PayloadLength, out var length);
        if (at < 0)
            return null;
        var table = ArrayPool<byte>.Shared.Rent(length);
        try
        {
            return file.Read(info.HeaderLength + at, table.AsSpan(0, length)) == length ? SeekTable.Read(table.AsSpan(0, length), _metadata.Length, _metadata.PayloadLength) : null;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(table);
        }
    }
}
