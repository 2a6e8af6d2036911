using System.Security.Cryptography;
using EdgeCache.Storage.S3.Coding;

namespace EdgeCache.Storage.S3;

/// <summary>
/// Gathers one blob. What fits into a part's length stays in memory and is one PUT at the commit, with the digest beside it. More is uploaded in parts as it comes.
/// Memory is taken for what has really arrived: an announced length sizes none.
/// </summary>
internal sealed partial class S3BlobWriter(S3Store store, S3Session session, PartBuffers buffers, string name, BlobMetadata draft, PutOptions options, ObjectFraming? framing) : IBlobWriter
{
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private readonly BlockChecksumBuilder _checksums = new();
    private ObjectFraming? _framing = framing;
    private bool _isFramed;
    private PartBuffer _part = new(buffers, hasOwnPiece: true);
    private long _length;
    private long _generation;
    private PartsUpload? _upload;
    private StoreStatus _refused = StoreStatus.Ok;
    private string? _detail;
    private Sha256Digest _digest;
    private bool _committed;
    private bool _ended;

    public bool IsInParts => _upload is not null;

    /// <summary>Whether the upload in parts was begun with all beside it that goes there: the digest, and the checksums of the blocks where there is room for them.</summary>
    public bool HasAllInUpload(BlobMetadata next) => options.ExpectedSha256 is not null && (options.Checksums is not null || !ObjectMetadata.HasRoomForChecksums(next));

    public async ValueTask<StoreStatus> WriteAsync(ReadOnlyMemory<byte> content, CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(_ended, this);
        if (_digest.IsKnown)
            throw new InvalidOperationException("The content has been ended by a commit.");
        if (_refused != StoreStatus.Ok)
            return _refused;
        if (_length + content.Length > options.MaxLength)
            return _refused = StoreStatus.TooLarge;
        if (_length + content.Length > options.ExpectedLength)
            return _refused = StoreStatus.LengthMismatch;
        if (_length + content.Length > store.MaxObjectLength)
            return Refuse(StoreStatus.TooLarge, store.TooManyParts);
        try
        {
            _hash.AppendData(content.Span);
            _checksums.Append(content.Span);
            _length += content.Length;
            return await FrameAsync(content, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception error) when (store.IsExpectedFault(error, cancellationToken))
        {
            return _refused = store.OnWriteFault(error);
        }
        catch
        {
            // A part may have gone with the wait that the caller ended: what is left must not become a blob.
            _refused = StoreStatus.Unavailable;
            throw;
        }
    }

    public async ValueTask<Outcome<PutReceipt>> CommitAsync(CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(_ended, this);
        if (_committed)
            throw new InvalidOperationException("A writer commits once.");
        if (_refused != StoreStatus.Ok)
            return _detail is null ? _refused : Outcome<PutReceipt>.Fail(_refused, _detail);
        if (options.ExpectedLength is { } length && length != _length)
            return Outcome<PutReceipt>.Fail(StoreStatus.LengthMismatch, $"The content has {_length} bytes; {length} were announced.");
        if (!_digest.IsKnown)
            _digest = new Sha256Digest(_hash.GetHashAndReset());
        if (options.ExpectedSha256 is { } expected && expected != _digest)
            return Outcome<PutReceipt>.Fail(StoreStatus.DigestMismatch, $"The content has the SHA-256 {_digest}; {expected} was expected.");
        if (await EndFramesAsync().ConfigureAwait(false) is var ended && ended != StoreStatus.Ok)
            return ended;
        if (_upload is not null && _part.Length > 0 && await SendPartAsync(CancellationToken.None).ConfigureAwait(false) is var status && status != StoreStatus.Ok)
            return status;
        var next = draft with { Length = _length, PayloadLength = _length, Sha256 = _digest, PayloadSha256 = _digest, Generation = _generation, Checksums = _checksums.End() };
        var outcome = await store.PublishAsync(this, next, options, cancellationToken).ConfigureAwait(false);
        _committed = true;
        return outcome;
    }

    /// <summary>Makes the object visible, under a condition.</summary>
    /// <returns>The server's validator of it, if the answer has it.</returns>
    public async Task<string?> SendAsync(BlobMetadata blob, Precondition condition) => ETags.Normalize(_upload is not null
        ? await _upload.CompleteAsync(condition).ConfigureAwait(false)
        : (await session.PutAsync(name, _part.OpenRead(), AsStored(blob), condition, CancellationToken.None).ConfigureAwait(false)).ETag);

    /// <summary>The blob as it is to be written beside the object: with the form that its bytes have.</summary>
    public BlobMetadata AsStored(BlobMetadata blob) => _isFramed ? ObjectCompression.Coded(blob, options.ExpectedLength ?? _length) : blob;

    public async ValueTask DisposeAsync()
    {
        if (_ended)
            return;
        _ended = true;
        _framing?.Dispose();
        _hash.Dispose();
        _part.Return();
        if (_upload is not null)
            await _upload.DisposeAsync().ConfigureAwait(false);
    }

    /// <summary>Takes what the object consists of.</summary>
    private async ValueTask<StoreStatus> AppendAsync(ReadOnlyMemory<byte> payload, CancellationToken cancellationToken)
    {
        while (payload.Length > 0)
        {
            if (await MakeRoomAsync(cancellationToken).ConfigureAwait(false) is var status && status != StoreStatus.Ok)
                return status;
            payload = payload[_part.Append(payload.Span)..];
        }
        return StoreStatus.Ok;
    }

    private StoreStatus Refuse(StoreStatus status, string detail)
    {
        _detail = detail;
        return _refused = status;
    }

    private async ValueTask<StoreStatus> MakeRoomAsync(CancellationToken cancellationToken)
    {
        if (_part.IsFull && await SendPartAsync(cancellationToken).ConfigureAwait(false) is var status && status != StoreStatus.Ok)
            return status;
        return await _part.GrowAsync(session.Options.Timeout, cancellationToken).ConfigureAwait(false)
            ? StoreStatus.Ok
            : Refuse(StoreStatus.Unavailable, "All memory for uploads is in use: the far store is too slow for as many as come.");
    }

    /// <summary>Hands what is buffered over as the next part.</summary>
    private async ValueTask<StoreStatus> SendPartAsync(CancellationToken cancellationToken)
    {
        try
        {
            if (_upload is null)
            {
                _generation = store.NextGeneration();
                var begun = draft with { Sha256 = options.ExpectedSha256 ?? default, Generation = _generation, Checksums = options.Checksums };
                _upload = await PartsUpload.BeginAsync(session, name, AsStored(begun), error => store.NoteAbandoned(name, error), cancellationToken).ConfigureAwait(false);
            }
            var part = _part;
            _part = new PartBuffer(buffers, hasOwnPiece: false);
            await _upload.AddAsync(part, cancellationToken).ConfigureAwait(false);
            return StoreStatus.Ok;
        }
        catch (Exception error) when (store.IsExpectedFault(error, cancellationToken))
        {
            return _refused = store.OnWriteFault(error);
        }
    }
}
