using System.Buffers;
using System.Security.Cryptography;
using EdgeCache.Codecs;
using EdgeCache.Codecs.Frames;

namespace EdgeCache.Storage.S3.Coding;

/// <summary>
/// Gives the content of an object that is frames. From the first byte on it decodes them as they come; whoever begins elsewhere, or jumps, gets there by the table at the object's end, and
/// only the frames that are read are fetched. Nothing of a frame is given out before it has been decoded as a whole; of a read of everything in order, nothing of the last one before the
/// content has been held against its digest.
/// </summary>
/// <param name="inner">Reads the object's bytes, and is disposed with this.</param>
/// <param name="stored">What the object is.</param>
/// <param name="zstd">The codec.</param>
internal sealed class FramedObjectReader(IBlobReader inner, StoredObject stored, ICodec zstd) : IBlobReader
{
    private static readonly int MaxFrameLength = SeekTable.MaxFrameLength(SeekTable.FrameContentLength);

    private readonly IncrementalHash? _hash = stored.Blob.Sha256.IsKnown ? IncrementalHash.CreateHash(HashAlgorithmName.SHA256) : null;
    private readonly long _frames = SeekTable.FramesOf(stored.Blob.Length);
    private byte[]? _payload;
    private int _payloadLength;
    private long _at; // Where in the object the payload begins that is here.
    private long _next; // The frame that begins there.
    private byte[]? _content;
    private int _contentLength;
    private long _frame = -1; // Whose content is here.
    private long _hashed; // Frames that the digest has seen, in order.
    private long[]? _starts;

    public BlobMetadata Metadata => stored.Blob;

    public async ValueTask<int> ReadAsync(long offset, Memory<byte> buffer, CancellationToken cancellationToken)
    {
        if (offset >= Metadata.Length)
            return 0;
        var frame = offset / SeekTable.FrameContentLength;
        if (frame != _frame)
            await LoadAsync(frame, cancellationToken).ConfigureAwait(false);
        var inFrame = (int)(offset % SeekTable.FrameContentLength);
        var length = Math.Min(buffer.Length, _contentLength - inFrame);
        _content.AsSpan(inFrame, length).CopyTo(buffer.Span);
        return length;
    }

    public async ValueTask DisposeAsync()
    {
        await inner.DisposeAsync().ConfigureAwait(false);
        _hash?.Dispose();
        Return(ref _payload);
        Return(ref _content);
        _frame = -1;
    }

    private static void Return(ref byte[]? buffer)
    {
        if (buffer is not null)
            ArrayPool<byte>.Shared.Return(buffer);
        buffer = null;
    }

    private async ValueTask LoadAsync(long frame, CancellationToken cancellationToken)
    {
        _payload ??= ArrayPool<byte>.Shared.Rent((int)Math.Min(MaxFrameLength, stored.PayloadLength));
        _content ??= ArrayPool<byte>.Shared.Rent(SeekTable.ContentOf(0, Metadata.Length));
        // Until it is known to be good, there is no frame that a read could be served from.
        _frame = -1;
        if (frame != _next)
            await SeekAsync(frame, cancellationToken).ConfigureAwait(false);
        var length = await GatherAsync(cancellationToken).ConfigureAwait(false);
        _contentLength = SeekTable.ContentOf(frame, Metadata.Length);
        var result = zstd.Decompress(_payload.AsSpan(0, length), _content.AsSpan(0, _contentLength));
        if (result.Status is CodecStatus.OutOfMemory or CodecStatus.Unavailable)
            throw new IOException($"{Metadata.Key} can't be decoded here now: {result.Status}.");
        if (!result.IsOk || result.Length != _contentLength)
            throw Damaged("can't be decoded");
        _payload.AsSpan(length, _payloadLength - length).CopyTo(_payload);
        _payloadLength -= length;
        _at += length;
        _next = frame + 1;
        await CheckAsync(frame, cancellationToken).ConfigureAwait(false);
        _frame = frame;
    }

    /// <summary>Reads until the next frame is here as a whole, and as far ahead as there is room.</summary>
    private async ValueTask<int> GatherAsync(CancellationToken cancellationToken)
    {
        var walk = default(FrameWalk);
        var room = Math.Min(MaxFrameLength, _payload!.Length);
        while (true)
        {
            var status = walk.Continue(_payload.AsSpan(0, _payloadLength));
            if (status == CodecStatus.Ok && !walk.Header.IsSkippable)
                return (int)walk.Length;
            if (status != CodecStatus.NeedsInput || walk.Length > room)
                throw Damaged("is not made of the frames that it should be");
            var read = await inner.ReadAsync(_at + _payloadLength, _payload.AsMemory(_payloadLength, room - _payloadLength), cancellationToken).ConfigureAwait(false);
            if (read == 0)
                throw Damaged("ends too early");
            _payloadLength += read;
        }
    }

    /// <summary>Holds the content against its digest, where all of it has been decoded in order. Where there is none, what the server knows of the object is checked when its last byte is read.</summary>
    private async ValueTask CheckAsync(long frame, CancellationToken cancellationToken)
    {
        if (frame != _hashed)
            return;
        _hashed++;
        _hash?.AppendData(_content.AsSpan(0, _contentLength));
        if (_hashed < _frames)
            return;
        if (_hash is not null)
        {
            if (new Sha256Digest(_hash.GetHashAndReset()) != Metadata.Sha256)
                throw Damaged("does not have the SHA-256 that is written beside it");
            return;
        }
        for (var at = _at + _payloadLength; at < stored.PayloadLength;)
            at += await inner.ReadAsync(at, _payload.AsMemory(0, Math.Min(MaxFrameLength, _payload!.Length)), cancellationToken).ConfigureAwait(false) is > 0 and var read ? read : throw Damaged("ends too early");
        (_payloadLength, _at) = (0, stored.PayloadLength);
    }

    private async ValueTask SeekAsync(long frame, CancellationToken cancellationToken)
    {
        _starts ??= await ReadTableAsync(cancellationToken).ConfigureAwait(false);
        (_at, _next, _payloadLength) = (_starts[frame], frame, 0);
    }

    private async ValueTask<long[]> ReadTableAsync(CancellationToken cancellationToken)
    {
        var at = SeekTable.Find(Metadata.Length, stored.PayloadLength, out var length);
        if (at < 0)
            throw Damaged("has no table of frames");
        var table = ArrayPool<byte>.Shared.Rent(length);
        try
        {
            for (var have = 0; have < length;)
                have += await inner.ReadAsync(at + have, table.AsMemory(have, length - have), cancellationToken).ConfigureAwait(false) is > 0 and var read ? read : throw Damaged("ends too early");
            return SeekTable.Read(table.AsSpan(0, length), Metadata.Length, stored.PayloadLength) ?? throw Damaged("has no table of frames");
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(table);
        }
    }

    private BlobDamagedException Damaged(string how) => new($"The object of {Metadata.Key} {how}.");
}
