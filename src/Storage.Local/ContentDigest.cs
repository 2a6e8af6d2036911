using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using EdgeCache.Storage.Local.Format;

namespace EdgeCache.Storage.Local;

/// <summary>SHA-256 of content that comes in pieces, and the checksum of each block of it. Short content is digested once, at the end, and then costs no state for pieces.</summary>
internal sealed class ContentDigest : WorkBeside
{
    private readonly List<uint> _checksums = [];
    private IncrementalHash? _hash;
    private Crc32C _block = Crc32C.Start();
    private int _blockLength;
    private ReadOnlyMemory<byte> _piece;

    /// <summary>Of the blocks that are whole; after the end of all.</summary>
    public List<uint> Checksums => _checksums;

    public void Append(ReadOnlySpan<byte> content)
    {
        Finish();
        AppendToHash(content);
        AppendToBlocks(content);
    }

    /// <summary>As <see cref="Append"/>, on another thread where one is free. The content must stay as it is until <see cref="WorkBeside.Finish"/> has returned, or the next call of any other method.</summary>
    public void BeginAppend(ReadOnlyMemory<byte> content)
    {
        Finish();
        _piece = content;
        Begin();
    }

    /// <summary>Takes the last of the content, and ends.</summary>
    [SkipLocalsInit]
    public Sha256Digest End(ReadOnlySpan<byte> rest)
    {
        Finish();
        AppendToBlocks(rest);
        if (_blockLength > 0)
            _checksums.Add(_block.Value);
        Span<byte> digest = stackalloc byte[Sha256Digest.Size];
        if (_hash is null)
        {
            SHA256.HashData(rest, digest);
        }
        else
        {
            _hash.AppendData(rest);
            _hash.GetHashAndReset(digest);
        }
        return new Sha256Digest(digest);
    }

    protected override void Dispose(bool disposing)
    {
        base.Dispose(disposing);
        _hash?.Dispose();
    }

    protected override void Do()
    {
        AppendToHash(_piece.Span);
        AppendToBlocks(_piece.Span);
    }

    private void AppendToHash(ReadOnlySpan<byte> content) => (_hash ??= IncrementalHash.CreateHash(HashAlgorithmName.SHA256)).AppendData(content);

    private void AppendToBlocks(ReadOnlySpan<byte> content)
    {
        while (content.Length > 0)
        {
            var part = content[..Math.Min(content.Length, BlobFile.BlockLength - _blockLength)];
            _block.Append(part);
            _blockLength += part.Length;
            content = content[part.Length..];
            if (_blockLength == BlobFile.BlockLength)
            {
                _checksums.Add(_block.Value);
                _block = Crc32C.Start();
                _blockLength = 0;
            }
        }
    }
}
