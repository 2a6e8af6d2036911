using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using EdgeCache.Codecs;
using EdgeCache.Codecs.Frames;
using EdgeCache.Storage.Local.Index;
using Microsoft.Win32.SafeHandles;

namespace EdgeCache.Storage.Local;

/// <summary>
/// Gives the content of a payload that is zstd frames, decoding only the frames that are read; or the payload as it is. Unless it has been found good lately, each frame is decoded, and its
/// content held against its checksum, before any of either is given out.
/// </summary>
/// <param name="store">The store that it is of.</param>
/// <param name="inner">Reads the payload, and is disposed with this.</param>
/// <param name="entry">The entry that points to it.</param>
/// <param name="isVerified">Whether the payload has been found good lately.</param>
internal sealed class FramedBlobReader(LocalStore store, IBlobReader inner, IndexEntry entry, bool isVerified) : IBlobReader, IDisposable
{
    private readonly FileBlobReader? _file = inner as FileBlobReader;
    private byte[]? _table;
    private int _tableLength;
    private long[]? _starts;
    private uint[]? _checksums;
    private byte[]? _payload;
    private byte[]? _content;
    private long _frame = -1; // Whose content is here.
    private long _payloadFrame = -1; // Whose payload is here.
    private int _contentLength;
    private int _goodFrames;
    private bool _keeps;

    public BlobMetadata Metadata => inner.Metadata;

    public bool HasPayload => true;

    public ValueTask<int> ReadAsync(long offset, Memory<byte> buffer, CancellationToken cancellationToken)
    {
        if (offset >= Metadata.Length)
            return new(0);
        return offset / SeekTable.FrameContentLength == _frame ? new(CopyContent(offset, buffer.Span)) : DecodeAndCopyAsync(offset, buffer, cancellationToken);
    }

    /// <summary>Of a record the payload is in memory, and so can the content be: one frame.</summary>
    public bool TryGetMemory(out ReadOnlyMemory<byte> memory)
    {
        memory = default;
        if (Metadata.Length > SeekTable.FrameContentLength || !inner.TryGetMemory(out var payload))
            return false;
        if (_frame != 0)
        {
            _content ??= ArrayPool<byte>.Shared.Rent((int)Metadata.Length);
            var result = store.Compression.Zstd.Decompress(payload.Span, _content.AsSpan(0, (int)Metadata.Length));
            // Reading it finds out what is wrong, and says it.
            if (result.Length != Metadata.Length)
                return false;
            (_frame, _contentLength) = (0, result.Length);
        }
        memory = _content.AsMemory(0, _contentLength);
        return true;
    }

    public ValueTask<int> ReadPayloadAsync(long offset, Memory<byte> buffer, CancellationToken cancellationToken) =>
        isVerified ? inner.ReadAsync(offset, buffer, cancellationToken) : ReadCheckedPayloadAsync(offset, buffer, cancellationToken);

    public bool TryGetPayloadMemory(out ReadOnlyMemory<byte> memory)
    {
        memory = default;
        return isVerified && inner.TryGetMemory(out memory);
    }

    /// <summary>What has been found good goes out as a file's content does: nobody decodes or copies it.</summary>
    public bool TryGetPayloadFile(long offset, int length, [NotNullWhen(true)] out SafeFileHandle? file, out long position)
    {
        (file, position) = (null, 0);
        return isVerified && inner.TryGetPayloadFile(offset, length, out file, out position);
    }

    /// <summary>They are those of the content's blocks, whatever the payload is.</summary>
    public async ValueTask<BlockChecksums?> GetChecksumsAsync(CancellationToken cancellationToken)
    {
        if (_file is null)
            return null;
        _checksums ??= await _file.ReadChecksumsAsync(cancellationToken).ConfigureAwait(false);
        return BlockChecksums.Of(_checksums, Metadata.Length);
    }

    public ValueTask DisposeAsync()
    {
        Dispose();
        return ValueTask.CompletedTask;
    }

    public void Dispose()
    {
        (inner as IDisposable)?.Dispose();
        Return(ref _table);
        DropPayload();
        DropContent();
        _starts = null;
        if (_keeps)
            store.Compression.EndKeeping();
        _keeps = false;
    }

    private void DropPayload()
    {
        Return(ref _payload);
        _payloadFrame = -1;
    }

    private void DropContent()
    {
        Return(ref _content);
        _frame = -1;
    }

    private static void Return(ref byte[]? buffer)
    {
        if (buffer is not null)
            ArrayPool<byte>.Shared.Return(buffer);
        buffer = null;
    }

    private async ValueTask<int> DecodeAndCopyAsync(long offset, Memory<byte> buffer, CancellationToken cancellationToken)
    {
        await LoadAsync(offset / SeekTable.FrameContentLength, cancellationToken).ConfigureAwait(false);
        var copied = CopyContent(offset, buffer.Span);
        DropPayload();
        _keeps = _keeps || store.Compression.TryKeep();
        if (!_keeps)
            DropContent();
        return copied;
    }

    private int CopyContent(long offset, Span<byte> target)
    {
        var inFrame = (int)(offset % SeekTable.FrameContentLength);
        var length = Math.Min(target.Length, _contentLength - inFrame);
        _content.AsSpan(inFrame, length).CopyTo(target);
        return length;
    }

    private async ValueTask<int> ReadCheckedPayloadAsync(long offset, Memory<byte> buffer, CancellationToken cancellationToken)
    {
        if (offset >= Metadata.PayloadLength)
            return 0;
        _starts ??= await ReadTableAsync(cancellationToken).ConfigureAwait(false);
        if (offset >= _starts[^1])
            return Copy(_table.AsSpan(0, _tableLength), offset - _starts[^1], buffer.Span);
        var found = Array.BinarySearch(_starts, offset);
        var frame = found >= 0 ? found : ~found - 1;
        if (frame != _payloadFrame)
            await LoadAsync(frame, cancellationToken).ConfigureAwait(false);
        DropContent();
        return Copy(_payload.AsSpan(0, (int)(_starts[frame + 1] - _starts[frame])), offset - _starts[frame], buffer.Span);
    }

    private static int Copy(ReadOnlySpan<byte> source, long offset, Span<byte> target)
    {
        var length = (int)Math.Min(source.Length - offset, target.Length);
        source.Slice((int)offset, length).CopyTo(target);
        return length;
    }

    private async ValueTask LoadAsync(long frame, CancellationToken cancellationToken)
    {
        _starts ??= await ReadTableAsync(cancellationToken).ConfigureAwait(false);
        if (!isVerified)
            _checksums ??= await _file!.ReadChecksumsAsync(cancellationToken).ConfigureAwait(false);
        _payload ??= ArrayPool<byte>.Shared.Rent(SeekTable.MaxFrameLength(SeekTable.ContentOf(0, Metadata.Length)));
        _content ??= ArrayPool<byte>.Shared.Rent(SeekTable.ContentOf(0, Metadata.Length));
        // Until it is known to be good, there is no frame that a read could be served from.
        (_frame, _payloadFrame) = (-1, -1);
        var length = (int)(_starts[frame + 1] - _starts[frame]);
        await ReadWholeAsync(_starts[frame], _payload.AsMemory(0, length), cancellationToken).ConfigureAwait(false);
        var contentLength = SeekTable.ContentOf(frame, Metadata.Length);
        var result = store.Compression.Zstd.Decompress(_payload.AsSpan(0, length), _content.AsSpan(0, contentLength));
        if (result.Status == CodecStatus.OutOfMemory)
            throw new IOException($"There is no memory to decode {Metadata.Key}.");
        if (!result.IsOk || result.Length != contentLength)
            throw await DamagedAsync("can't be decoded").ConfigureAwait(false);
        if (_checksums is not null && Crc32C.Of(_content.AsSpan(0, contentLength)) != _checksums[frame])
            throw await DamagedAsync("does not have its checksum").ConfigureAwait(false);
        // Counted only in order: whoever reads it all once from the beginning has seen every frame.
        if (!isVerified && frame == _goodFrames && ++_goodFrames == _starts.Length - 1)
            store.NoteVerified(entry);
        (_frame, _payloadFrame, _contentLength) = (frame, frame, contentLength);
    }

    private async ValueTask<long[]> ReadTableAsync(CancellationToken cancellationToken)
    {
        var at = SeekTable.Find(Metadata.Length, Metadata.PayloadLength, out _tableLength);
        if (at < 0)
            throw await DamagedAsync("has no table of frames").ConfigureAwait(false);
        _table = ArrayPool<byte>.Shared.Rent(_tableLength);
        await ReadWholeAsync(at, _table.AsMemory(0, _tableLength), cancellationToken).ConfigureAwait(false);
        return SeekTable.Read(_table.AsSpan(0, _tableLength), Metadata.Length, Metadata.PayloadLength) ?? throw await DamagedAsync("has no table of frames").ConfigureAwait(false);
    }

    private async ValueTask ReadWholeAsync(long offset, Memory<byte> target, CancellationToken cancellationToken)
    {
        while (target.Length > 0)
        {
            var read = await inner.ReadAsync(offset, target, cancellationToken).ConfigureAwait(false);
            if (read == 0)
                throw await DamagedAsync("ends too early").ConfigureAwait(false);
            offset += read;
            target = target[read..];
        }
    }

    private async ValueTask<BlobDamagedException> DamagedAsync(string how)
    {
        await store.RunReadAsync(() => store.DropDamaged(Metadata.Key, entry, _file?.Path), CancellationToken.None).ConfigureAwait(false);
        return new BlobDamagedException($"The payload of {Metadata.Key} {how}.");
    }
}
