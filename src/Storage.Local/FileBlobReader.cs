using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using EdgeCache.Storage.Local.Format;
using EdgeCache.Storage.Local.Index;
using EdgeCache.Storage.Local.Memory;
using Microsoft.Win32.SafeHandles;

namespace EdgeCache.Storage.Local;

/// <summary>
/// Reads one open file. What the system has in memory is read on the caller's thread, the rest on a disk thread. Unless the content has been found good lately, every
/// block is held against its checksum before any of it is given out. Of a payload in a coding the checksums are not: whoever decodes it does that (<see cref="FramedBlobReader"/>).
/// </summary>
internal sealed class FileBlobReader(LocalStore store, OpenFile file, IndexEntry entry, bool isVerified) : IBlobReader, IDisposable
{
    private int _isDisposed;
    private uint[]? _checksums;
    private byte[]? _block;
    private long _blockIndex = -1;
    private int _blockLength;
    private int _goodBlocks;

    public BlobMetadata Metadata => file.Info.Metadata;

    public string Path => file.Path;

    public async ValueTask<BlockChecksums?> GetChecksumsAsync(CancellationToken cancellationToken)
    {
        // Of a payload in a coding, they are not those of the content.
        if (Metadata.Coding.Length > 0)
            return null;
        _checksums ??= await ReadChecksumsAsync(cancellationToken).ConfigureAwait(false);
        return BlockChecksums.Of(_checksums, Metadata.Length);
    }

    public ValueTask<int> ReadAsync(long offset, Memory<byte> buffer, CancellationToken cancellationToken)
    {
        var left = Metadata.PayloadLength - offset;
        if (left <= 0)
            return new(0);
        var wanted = buffer[..(int)Math.Min(left, buffer.Length)];
        if (!isVerified && Metadata.Coding.Length == 0)
            return offset / BlobFile.BlockLength == _blockIndex ? new(CopyFromBlock(offset, wanted.Span)) : ReadVerifiedAsync(offset, wanted, cancellationToken);
        var read = file.File.TryReadNow(file.Info.HeaderLength + offset, wanted.Span);
        return read > 0 ? new(read) : ReadColdAsync(offset, wanted, cancellationToken);
    }

    public bool TryGetFile(long offset, int length, [NotNullWhen(true)] out SafeFileHandle? handle, out long position)
    {
        (handle, position) = (null, 0);
        return Metadata.Coding.Length == 0 && TryGetPayloadFile(offset, length, out handle, out position);
    }

    public bool TryGetPayloadFile(long offset, int length, [NotNullWhen(true)] out SafeFileHandle? handle, out long position)
    {
        position = file.Info.HeaderLength + offset;
        handle = isVerified && offset + length <= Metadata.PayloadLength ? file.File.TryGetCached(position, length) : null;
        return handle is not null;
    }

    /// <summary>Lets a cache hold the file too, beyond this reader.</summary>
    public void KeepOpen(SieveCache<OpenFile> cache)
    {
        if (file.TryAddUser() && !cache.TryAdd(file))
            file.RemoveUser();
    }

    public ValueTask DisposeAsync()
    {
        Dispose();
        return ValueTask.CompletedTask;
    }

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) == 0)
            file.RemoveUser();
        if (_block is not null)
            ArrayPool<byte>.Shared.Return(_block);
        _block = null;
        _blockIndex = -1;
    }

    private async ValueTask<int> ReadColdAsync(long offset, Memory<byte> wanted, CancellationToken cancellationToken)
    {
        var read = await ReadFromDiskAsync(file.Info.HeaderLength + offset, wanted, cancellationToken).ConfigureAwait(false);
        return read > 0 ? read : throw await DamagedAsync("ends too early").ConfigureAwait(false);
    }

    private async ValueTask<int> ReadVerifiedAsync(long offset, Memory<byte> wanted, CancellationToken cancellationToken)
    {
        await LoadBlockAsync(offset / BlobFile.BlockLength, cancellationToken).ConfigureAwait(false);
        return CopyFromBlock(offset, wanted.Span);
    }

    private int CopyFromBlock(long offset, Span<byte> wanted)
    {
        var inBlock = (int)(offset % BlobFile.BlockLength);
        var length = Math.Min(wanted.Length, _blockLength - inBlock);
        _block.AsSpan(inBlock, length).CopyTo(wanted);
        return length;
    }

    private async ValueTask LoadBlockAsync(long index, CancellationToken cancellationToken)
    {
        _checksums ??= await ReadChecksumsAsync(cancellationToken).ConfigureAwait(false);
        _block ??= ArrayPool<byte>.Shared.Rent(BlobFile.BlockLength);
        // Until it is known to be good, there is no block that a read could be served from.
        _blockIndex = -1;
        var start = index * BlobFile.BlockLength;
        var length = (int)Math.Min(BlobFile.BlockLength, Metadata.PayloadLength - start);
        if (await ReadWholeAsync(file.Info.HeaderLength + start, _block.AsMemory(0, length), cancellationToken).ConfigureAwait(false) < length)
            throw await DamagedAsync("ends too early").ConfigureAwait(false);
        if (Crc32C.Of(_block.AsSpan(0, length)) != _checksums[index])
            throw await DamagedAsync("does not have its checksum").ConfigureAwait(false);
        // Counted only in order: whoever reads it all once from the beginning has seen every block.
        if (index == _goodBlocks && ++_goodBlocks == _checksums.Length)
            store.NoteVerified(entry);
        _blockIndex = index;
        _blockLength = length;
    }

    /// <summary>Reads the checksums of the content's blocks.</summary>
    internal async ValueTask<uint[]> ReadChecksumsAsync(CancellationToken cancellationToken)
    {
        // Its length is under the header's checksum, and the file was held against it when it was opened.
        var trailer = ArrayPool<byte>.Shared.Rent(file.Info.TrailerLength);
        try
        {
            var whole = trailer.AsMemory(0, file.Info.TrailerLength);
            var read = await ReadWholeAsync(file.Info.HeaderLength + Metadata.PayloadLength, whole, cancellationToken).ConfigureAwait(false);
            return read == whole.Length && BlobTrailer.Read(whole.Span, Metadata.Length) is { } checksums
                ? checksums
                : throw await DamagedAsync("has no table of checksums").ConfigureAwait(false);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(trailer);
        }
    }

    private async ValueTask<int> ReadWholeAsync(long position, Memory<byte> target, CancellationToken cancellationToken)
    {
        var read = Math.Max(0, file.File.TryReadNow(position, target.Span));
        return read == target.Length ? read : read + await ReadFromDiskAsync(position + read, target[read..], cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Once it has begun it is waited for, also when the caller gives up: the buffer is the caller's.</summary>
    private Task<int> ReadFromDiskAsync(long position, Memory<byte> target, CancellationToken cancellationToken) =>
        store.RunReadAsync(() => file.File.Read(position, target.Span), cancellationToken);

    private async ValueTask<BlobDamagedException> DamagedAsync(string how)
    {
        await store.RunReadAsync(() => store.DropDamaged(Metadata.Key, entry, file.Path), CancellationToken.None).ConfigureAwait(false);
        return new BlobDamagedException($"The file of {Metadata.Key} {how}.");
    }
}
