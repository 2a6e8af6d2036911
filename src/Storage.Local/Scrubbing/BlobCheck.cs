using System.Buffers;
using System.Security.Cryptography;
using EdgeCache.Storage.Local.Compressing;
using EdgeCache.Storage.Local.Disk;
using EdgeCache.Storage.Local.Files;
using EdgeCache.Storage.Local.Format;
using EdgeCache.Storage.Local.Index;
using EdgeCache.Storage.Local.Segments;

namespace EdgeCache.Storage.Local.Scrubbing;

/// <summary>What a look at one stored blob found.</summary>
/// <param name="Verdict">Whether it is what was written; Gone also where it was deleted during the look.</param>
/// <param name="Key">Whose it is; null where that can't be read.</param>
/// <param name="Path">The file of a large blob, where its record says which.</param>
internal readonly record struct Finding(RecordVerdict Verdict, BlobKey? Key = null, string? Path = null);

/// <summary>
/// Reads one stored blob, all of it, and holds it against everything that was written down of it: the checksums of record, headers and blocks, the SHA-256 of the
/// whole content, and the hash of the key. Of a payload in a coding the SHA-256 is the payload's, and where it can be decoded here its content is held against the checksums. Holds
/// one block in memory, or one frame and its content.
/// </summary>
internal sealed class BlobCheck(SegmentSet segments, StoreLayout layout, IFileSystem files, HashSecret secret, StoreCompression compression)
{
    /// <summary>Checks the blob that an entry points to.</summary>
    /// <exception cref="IOException">The disk failed.</exception>
    public async ValueTask<Finding> CheckAsync(IndexEntry entry, RateLimit rate, CancellationToken cancellationToken)
    {
        if (entry.IsLarge)
            return await CheckLargeAsync(entry, rate, cancellationToken).ConfigureAwait(false);
        var finding = CheckSmall(entry);
        await rate.SpendAsync(entry.Bytes, cancellationToken).ConfigureAwait(false);
        return finding;
    }

    /// <summary>The file of a large blob whose record can't be read, if there is one that says whose it is.</summary>
    public (string Path, BlobKey Key)? FindFile(KeyHash hash)
    {
        foreach (var path in layout.FilesOf(hash, files))
        {
            using var file = files.Open(path, writable: false);
            if (BlobHeaderReader.Read(file, out var info) == FileVerdict.Good && KeyHash.Of(info!.Metadata.Key, secret) == hash)
                return (path, info.Metadata.Key);
        }
        return null;
    }

    private Finding CheckSmall(in IndexEntry entry)
    {
        var verdict = RecordReader.ReadWhole(segments, entry, verifyPayload: true, out var record);
        using (record)
        {
            if (verdict != RecordVerdict.Good)
                return new(verdict);
            var isGood = IsOf(record!.Metadata, entry) && new Sha256Digest(SHA256.HashData(record.Payload.Span)) == record.Metadata.PayloadSha256;
            return new(isGood ? RecordVerdict.Good : RecordVerdict.Damaged, record.Metadata.Key);
        }
    }

    private async ValueTask<Finding> CheckLargeAsync(IndexEntry entry, RateLimit rate, CancellationToken cancellationToken)
    {
        var verdict = RecordReader.ReadMetadata(segments, entry, out var header, out var metadata);
        if (verdict != RecordVerdict.Good)
            return new(verdict);
        var path = layout.BlobPath(entry.Hash, header.Generation);
        var damaged = new Finding(RecordVerdict.Damaged, metadata!.Key, path);
        if (!IsOf(metadata, entry))
            return damaged;
        try
        {
            using var file = files.Open(path, writable: false);
            if (BlobHeaderReader.Read(file, out var info) != FileVerdict.Good || info!.Metadata.Key != metadata.Key
                || info.Metadata.PayloadSha256 != metadata.PayloadSha256 || ReadChecksums(file, info) is not { } checksums)
            {
                return damaged;
            }
            var isGood = metadata.Coding.Length == 0
                ? await IsContentGoodAsync(file, info, checksums, rate, cancellationToken).ConfigureAwait(false)
                : await new PayloadCheck(file, info, compression).IsGoodAsync(checksums, rate, cancellationToken).ConfigureAwait(false);
            return isGood ? new(RecordVerdict.Good, metadata.Key) : damaged;
        }
        catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException)
        {
            // Deleted since the look-up, or removed by hand: whoever asked finds out under the key's lock.
            return damaged;
        }
    }

    private static uint[]? ReadChecksums(IStoreFile file, BlobHeaderInfo info)
    {
        // The header has its checksum, and the file is as long as it says.
        var trailer = ArrayPool<byte>.Shared.Rent(info.TrailerLength);
        try
        {
            var read = file.Read(info.HeaderLength + info.Metadata.PayloadLength, trailer.AsSpan(0, info.TrailerLength));
            return read == info.TrailerLength ? BlobTrailer.Read(trailer.AsSpan(0, read), info.Metadata.Length) : null;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(trailer);
        }
    }

    private static async ValueTask<bool> IsContentGoodAsync(IStoreFile file, BlobHeaderInfo info, uint[] checksums, RateLimit rate, CancellationToken cancellationToken)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var buffer = ArrayPool<byte>.Shared.Rent(BlobFile.BlockLength);
        try
        {
            for (var block = 0; block < checksums.Length; block++)
            {
                var start = (long)block * BlobFile.BlockLength;
                var length = (int)Math.Min(BlobFile.BlockLength, info.Metadata.PayloadLength - start);
                var read = file.Read(info.HeaderLength + start, buffer.AsSpan(0, length));
                if (read < length || Crc32C.Of(buffer.AsSpan(0, length)) != checksums[block])
                    return false;
                hash.AppendData(buffer, 0, length);
                await rate.SpendAsync(length, cancellationToken).ConfigureAwait(false);
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
        return new Sha256Digest(hash.GetHashAndReset()) == info.Metadata.PayloadSha256;
    }

    private bool IsOf(BlobMetadata metadata, in IndexEntry entry) => KeyHash.Of(metadata.Key, secret) == entry.Hash;
}
