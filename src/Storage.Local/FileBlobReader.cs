using System.Buffers;
using EdgeCache.Storage.Local.Files;
using EdgeCache.Storage.Local.Format;

namespace EdgeCache.Storage.Local;

/// <summary>
/// Reads one open file. The file lives on for this reader when its name is replaced or removed. Until the content has been found good once since the start, every
/// block is held against its checksum before any of it is given out.
/// </summary>
internal sealed class FileBlobReader(IStoreFile file, BlobHeaderInfo info, bool isVerified, Action onVerified, Action onDamaged) : IBlobReader, IDisposable
{
    private uint[]? _checksums;
    private byte[]? _block;
    private long _blockIndex = -1;
    private int _blockLength;
    private int _goodBlocks;

    public BlobMetadata Metadata => info.Metadata;

    public ValueTask<int> ReadAsync(long offset, Memory<byte> buffer, CancellationToken cancellationToken)
    {
        var left = Metadata.PayloadLength - offset;
        if (left <= 0)
            return new(0);
        var wanted = buffer.Span[..(int)Math.Min(left, buffer.Length)];
        if (!isVerified)
            return new(ReadVerified(offset, wanted));
        var read = file.Read(info.HeaderLength + offset, wanted);
        return read > 0 ? new(read) : throw Damaged("ends too early");
    }

    public ValueTask DisposeAsync()
    {
        Dispose();
        return ValueTask.CompletedTask;
    }

    public void Dispose()
    {
        file.Dispose();
        if (_block is not null)
            ArrayPool<byte>.Shared.Return(_block);
        _block = null;
    }

    private int ReadVerified(long offset, Span<byte> wanted)
    {
        var index = offset / BlobFile.BlockLength;
        if (index != _blockIndex)
            LoadBlock(index);
        var inBlock = (int)(offset - (index * BlobFile.BlockLength));
        var length = Math.Min(wanted.Length, _blockLength - inBlock);
        _block.AsSpan(inBlock, length).CopyTo(wanted);
        return length;
    }

    private void LoadBlock(long index)
    {
        _checksums ??= ReadChecksums();
        _block ??= ArrayPool<byte>.Shared.Rent(BlobFile.BlockLength);
        var start = index * BlobFile.BlockLength;
        var length = (int)Math.Min(BlobFile.BlockLength, Metadata.PayloadLength - start);
        if (file.Read(info.HeaderLength + start, _block.AsSpan(0, length)) < length)
            throw Damaged("ends too early");
        if (Crc32C.Of(_block.AsSpan(0, length)) != _checksums[index])
            throw Damaged("does not have its checksum");
        // Counted only in order: whoever reads it all once from the beginning has seen every block.
        if (index == _goodBlocks && ++_goodBlocks == _checksums.Length)
            onVerified();
        _blockIndex = index;
        _blockLength = length;
    }

    private uint[] ReadChecksums()
    {
        var trailer = ArrayPool<byte>.Shared.Rent(info.TrailerLength);
        try
        {
            var read = file.Read(info.HeaderLength + Metadata.PayloadLength, trailer.AsSpan(0, info.TrailerLength));
            return read == info.TrailerLength && BlobTrailer.Read(trailer.AsSpan(0, read), Metadata.Length) is { } checksums
                ? checksums
                : throw Damaged("has no table of checksums");
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(trailer);
        }
    }

    private BlobDamagedException Damaged(string how)
    {
        onDamaged();
        return new BlobDamagedException($"The file of {Metadata.Key} {how}.");
    }
}
