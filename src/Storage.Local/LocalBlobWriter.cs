using System.Buffers;
using System.Runtime.InteropServices;
using EdgeCache.Codecs.Choosing;
using EdgeCache.Codecs.Frames;
using EdgeCache.Storage.Local.Compressing;
using EdgeCache.Storage.Local.Files;
using EdgeCache.Storage.Local.Format;
using EdgeCache.Storage.Local.Segments;

namespace EdgeCache.Storage.Local;

/// <summary>
/// Gathers one blob: room for the headers, the content as it comes, the trailer; the headers last, when length and digest are known. A small blob never leaves the
/// buffer, which then is the record; a large one goes to a temporary file. What has come in can be read back from both. Content that is worth it is stored as zstd frames
/// (<see cref="FrameStage"/>); then all of this is about the frames, and length, digest and checksums are the content's all the same.
/// </summary>
internal sealed partial class LocalBlobWriter : IStagedBlobWriter
{
    private const int BufferLength = 128 * 1024;

    /// <summary>Of the buffer that takes turns with the first where there is a file. Half as long: 64 uploads at a time have to live in little memory.</summary>
    private const int OtherBufferLength = BufferLength / 2;

    /// <summary>Space is reserved in steps as content really comes: an announced length reserves nothing.</summary>
    private const long ReservationStep = 64 * 1024;
    private const long DiskBlock = 4096;

    /// <summary>The disk begins with so much at a time: each start is a call and a request to the device, and smaller ones took a fifth of the time of an upload of 64 MiB.</summary>
    private const long WritebackStep = 1024 * 1024;

    private readonly LocalStore _store;
    private readonly PutOptions _options;
    private BlobMetadata _draft;
    private int _headerLength;
    private readonly ContentDigest _content = new();
    private readonly Lock _tail = new(); // Protects what is in the stage, the buffer and the file: _stage, _buffer, _buffered, _fileLength, _payloadLength, for who reads back. Held for a copy.
    private byte[]? _buffer = ArrayPool<byte>.Shared.Rent(BufferLength);

    /// <summary>The other buffer, from the first flush on: what was flushed last, which may be being digested.</summary>
    private byte[]? _flushed;

    /// <summary>From where on the buffer has content that the digest lacks.</summary>
    private int _digestedTo;
    private IStoreFile? _file;
    private string? _path;
    private FrameStage? _stage;
    private CompressionChoice _choice;
    private long _payloadLength;
    private int _buffered;
    private long _fileLength;
    private long _writingBack;
    private long _reserved;
    private StoreStatus _refused = StoreStatus.Ok;
    private Sha256Digest? _digest;
    private bool _isEnded;
    private bool _committed;
    private bool _ended;

    /// <summary>A writer of one blob.</summary>
    /// <param name="store">The store.</param>
    /// <param name="draft">What is known of the blob.</param>
    /// <param name="options">What is asked for.</param>
    /// <param name="rewritten">The stored blob of which this is to be another form; null for none.</param>
    public LocalBlobWriter(LocalStore store, BlobMetadata draft, PutOptions options, BlobMetadata? rewritten = null)
    {
        _store = store;
        Rewritten = rewritten;
        _options = options;
        _draft = draft;
        _headerLength = BlobHeader.Measure(draft);
        _buffered = _digestedTo = RecordFormat.HeaderLength + _headerLength;
        (_stage, _choice) = FrameStage.For(store.Compression, draft, options, Rewritten is not null);
    }

    /// <summary>The stored blob of which this is another form; null where this is one that comes in.</summary>
    public BlobMetadata? Rewritten { get; }

    /// <summary>Whether the content is, or may yet be, stored as frames.</summary>
    public bool IsCoding => _stage is not null;

    /// <summary>How it is stored, as far as that is decided.</summary>
    public CompressionChoice Choice => _choice;

    /// <summary>Content that has come in, in bytes.</summary>
    private long Length => _stage?.ContentLength ?? _payloadLength;

    /// <summary>Disk space that a file takes whose payload and content have a length: with header and trailer, in whole blocks.</summary>
    internal static long SpaceFor(int headerLength, long payloadLength, long contentLength)
    {
        var length = RecordFormat.HeaderLength + headerLength + payloadLength + BlobTrailer.Measure(BlobTrailer.BlocksOf(contentLength));
        return (length + DiskBlock - 1) / DiskBlock * DiskBlock;
    }

    public ValueTask<StoreStatus> WriteAsync(ReadOnlyMemory<byte> content, CancellationToken cancellationToken) => WriteFrameAsync(content, default, cancellationToken);

    public ValueTask<StoreStatus> WriteFrameAsync(ReadOnlyMemory<byte> content, ReadOnlyMemory<byte> frame, CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(_ended, this);
        if (_digest is not null)
            throw new InvalidOperationException("The content has been ended by a commit.");
        _stage?.BeginWork();
        if (_refused != StoreStatus.Ok)
            return new(_refused);
        if (Length + content.Length > _options.MaxLength)
            return new(_refused = StoreStatus.TooLarge);
        if (Length + content.Length > _options.ExpectedLength)
            return new(_refused = StoreStatus.LengthMismatch);
        return Footprint + content.Length <= _reserved
            ? new(Append(content.Span, frame.Span))
            : ReserveAndAppendAsync(content, frame, cancellationToken);
    }

    public async ValueTask<Outcome<PutReceipt>> CommitAsync(CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(_ended, this);
        if (_committed)
            throw new InvalidOperationException("A writer commits once.");
        var content = EndContent();
        if (!content.IsOk)
            return content.Detail is { } detail ? Outcome<PutReceipt>.Fail(content.Status, detail) : content.Status;
        if (await ReserveAsync(SpaceFor(_headerLength, _payloadLength, Length), cancellationToken).ConfigureAwait(false) is var status && status != StoreStatus.Ok)
            return status;
        var outcome = await _store.PublishWithinQuotaAsync(this, content.Value, _options, cancellationToken).ConfigureAwait(false);
        _committed = true;
        if (_choice.Reason == CompressionReason.Deferred && outcome is { IsOk: true, Value.Effect: not PutEffect.Unchanged })
            _store.Defer(_draft.Key);
        return outcome;
    }

    public Outcome<BlobMetadata> EndContent()
    {
        ObjectDisposedException.ThrowIf(_ended, this);
        if (_refused != StoreStatus.Ok)
            return _refused;
        if (_options.ExpectedLength is { } length && length != Length)
            return Outcome<BlobMetadata>.Fail(StoreStatus.LengthMismatch, $"The content has {Length} bytes; {length} were announced.");

        // May be asked again, by a commit after a cancelled one too: the content ends once.
        if (_digest is not { } digest)
        {
            _digest = digest = _content.End(Undigested);
            _digestedTo = _buffered;
        }
        if (_options.ExpectedSha256 is { } expected && expected != digest)
            return Outcome<BlobMetadata>.Fail(StoreStatus.DigestMismatch, $"The content has the SHA-256 {digest}; {expected} was expected.");
        if (EndFrames() is var status && status != StoreStatus.Ok)
            return status;
        return _draft with { Length = Length, Sha256 = digest, PayloadLength = _payloadLength, PayloadSha256 = _stage?.PayloadDigest ?? digest };
    }

    /// <summary>Whether the blob is still in the buffer as a whole, with room for its trailer, and is to be a record.</summary>
    internal bool IsSmall => _file is null && _payloadLength <= _store.SmallBlobBytes && (_stage is null || Length <= SeekTable.FrameContentLength)
        && RecordFormat.LengthFor(_buffered - RecordFormat.HeaderLength + BlobTrailer.Measure(_content.Checksums.Count)) <= _buffer!.Length;

    /// <summary>Completes the record of a small blob. It is this writer's buffer: valid until the writer is disposed.</summary>
    internal ReadOnlyMemory<byte> FinishRecord(BlobMetadata metadata, KeyHash hash)
    {
        var trailerLength = BlobTrailer.Measure(_content.Checksums.Count);
        BlobTrailer.Write(_buffer.AsSpan(_buffered, trailerLength), CollectionsMarshal.AsSpan(_content.Checksums));
        BlobHeader.Write(_buffer.AsSpan(RecordFormat.HeaderLength, _headerLength), metadata, trailerLength);
        var end = _buffered + trailerLength;
        var length = RecordFormat.LengthFor(end - RecordFormat.HeaderLength);
        _buffer.AsSpan(end, length - end).Clear();
        RecordFormat.Write(_buffer, RecordKind.Blob, length, hash, metadata.Generation);
        return _buffer.AsMemory(0, length);
    }

    /// <summary>Brings the whole blob into its file and the file to disk.</summary>
    /// <returns>The temporary file's path and the disk space it takes.</returns>
    /// <exception cref="IOException">The disk failed, or a sync did: nothing may be assumed of the file.</exception>
    internal (string Path, long AllocatedBytes) FinishFile(BlobMetadata metadata)
    {
        var trailerLength = BlobTrailer.Measure(_content.Checksums.Count);
        var trailer = ArrayPool<byte>.Shared.Rent(trailerLength);
        try
        {
            BlobTrailer.Write(trailer.AsSpan(0, trailerLength), CollectionsMarshal.AsSpan(_content.Checksums));
            Flush();
            _file!.Write(_fileLength, trailer.AsSpan(0, trailerLength));
            WriteHeader(metadata, trailerLength);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(trailer);
        }
        _file.Sync();
        return (_path!, _file.AllocatedBytes);
    }

    /// <summary>The temporary file has got its name: there is nothing left to remove.</summary>
    internal void Published() => _path = null;

    /// <summary>The blob's space is accounted for elsewhere: gives up what was reserved for it.</summary>
    internal long TakeReservation()
    {
        var reserved = _reserved;
        _reserved = 0;
        return reserved;
    }

    public ValueTask DisposeAsync()
    {
        if (_ended)
            return ValueTask.CompletedTask;
        _ended = true;
        _content.Dispose();
        _stage?.Dispose();
        _file?.Dispose();
        _store.Close(_path, _reserved);
        ArrayPool<byte>.Shared.Return(_buffer!);
        if (_flushed is not null)
            ArrayPool<byte>.Shared.Return(_flushed);
        _buffer = _flushed = null;
        return ValueTask.CompletedTask;
    }

    /// <summary>Content that has come in and that the digest lacks: the last of it, in one piece.</summary>
    private ReadOnlySpan<byte> Undigested => _stage is null ? _buffer.AsSpan(_digestedTo, _buffered - _digestedTo) : _stage.IsShort ? _stage.Gathered : [];

    /// <summary>Space that what has come in takes, as far as is known.</summary>
    private long Footprint => _headerLength + _payloadLength + (_stage is { IsWrittenAhead: false } stage ? stage.UnwrittenLength : 0);

    private async ValueTask<StoreStatus> ReserveAndAppendAsync(ReadOnlyMemory<byte> content, ReadOnlyMemory<byte> frame, CancellationToken cancellationToken)
    {
        var status = await ReserveAsync(Footprint + content.Length, cancellationToken).ConfigureAwait(false);
        return status == StoreStatus.Ok ? Append(content.Span, frame.Span) : status;
    }

    private async ValueTask<StoreStatus> ReserveAsync(long total, CancellationToken cancellationToken)
    {
        if (total <= _reserved)
            return StoreStatus.Ok;
        if (total > _store.QuotaOf(_draft.Key))
            return _refused = StoreStatus.NoSpace;
        var steps = (total - _reserved + ReservationStep - 1) / ReservationStep * ReservationStep;
        // A blob that takes nearly the whole store has no room for a whole step.
        var step = Math.Max(total - _reserved, Math.Min(steps, _store.MaxBytes - _reserved));
        var status = await _store.ReserveAsync(step, _reserved, cancellationToken).ConfigureAwait(false);
        if (status == StoreStatus.Ok)
            _reserved += step;
        else
            _refused = status;
        return status;
    }

    private StoreStatus Append(ReadOnlySpan<byte> content, ReadOnlySpan<byte> frame)
    {
        try
        {
            if (_stage is not { } stage)
            {
                AppendPayload(content, isContent: true);
                return StoreStatus.Ok;
            }
            Gather(content, frame);
            stage.EndWork();
            return StoreStatus.Ok;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return _refused = _store.OnWriteFault(error);
        }
    }

    private void AppendPayload(ReadOnlySpan<byte> payload, bool isContent)
    {
        while (payload.Length > 0)
        {
            if (_buffered == _buffer!.Length)
                Flush();
            var part = payload[..Math.Min(payload.Length, _buffer.Length - _buffered)];
            lock (_tail)
            {
                part.CopyTo(_buffer.AsSpan(_buffered));
                _buffered += part.Length;
                _payloadLength += part.Length;
            }
            if (!isContent)
                _digestedTo = _buffered;
            payload = payload[part.Length..];
        }
    }

    private void Flush()
    {
        var from = 0;
        if (_file is null)
        {
            _path = _store.NewTemporaryPath();
            _file = _store.CreateFile(_path);
            from = RecordFormat.HeaderLength;
        }
        var isDigested = _digestedTo == _buffered;
        if (isDigested)
            _content.Finish();
        else
            _content.BeginAppend(_buffer.AsMemory(_digestedTo, _buffered - _digestedTo));
        _file.Write(_fileLength, _buffer.AsSpan(from, _buffered - from));
        lock (_tail)
        {
            _fileLength += _buffered - from;
            _buffered = 0;

            // What is being digested stays where it is, and what comes goes to the other buffer, of which that has been waited for above.
            if (!isDigested)
                (_buffer, _flushed) = (_flushed ?? ArrayPool<byte>.Shared.Rent(OtherBufferLength), _buffer);
        }
        _digestedTo = 0;
        if (_fileLength - _writingBack < WritebackStep)
            return;
        _file.StartWriteback(_writingBack, _fileLength - _writingBack);
        _writingBack = _fileLength;
    }

    private void WriteHeader(BlobMetadata metadata, int trailerLength)
    {
        var header = ArrayPool<byte>.Shared.Rent(_headerLength);
        BlobHeader.Write(header.AsSpan(0, _headerLength), metadata, trailerLength);
        _file!.Write(0, header.AsSpan(0, _headerLength));
        ArrayPool<byte>.Shared.Return(header);
    }
}
