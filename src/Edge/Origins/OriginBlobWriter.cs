using System.Buffers;
using System.Security.Cryptography;
using EdgeCache.Edge.Delivery;
using EdgeCache.Storage;

namespace EdgeCache.Edge.Origins;

/// <summary>
/// Sends one blob. What fits into a buffer is sent at the commit, and elsewhere if a destination does not answer. More goes out as it comes, and the last buffer is
/// held back until the commit: a server has a whole request then and not before.
/// </summary>
internal sealed class OriginBlobWriter(OriginStore store, OriginClient client, BlobMetadata draft, string? metadata, PutOptions options) : IBlobWriter
{
    private const int BufferLength = 64 * 1024;

    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private byte[] _buffer = [];
    private int _buffered;
    private long _length;
    private OriginUpload? _upload;
    private OriginAnswer? _early;
    private StoreStatus _refused = StoreStatus.Ok;
    private string? _detail;
    private bool _committed;
    private bool _ended;

    /// <summary>What was decided when the first bytes went out; null while nothing has.</summary>
    public PutPlan? Plan { get; private set; }

    public async ValueTask<StoreStatus> WriteAsync(ReadOnlyMemory<byte> content, CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(_ended, this);
        if (_committed)
            throw new InvalidOperationException("The content has been ended by a commit.");
        if (_refused != StoreStatus.Ok)
            return _refused;
        if (_length + content.Length > options.MaxLength)
            return _refused = StoreStatus.TooLarge;
        if (_length + content.Length > options.ExpectedLength)
            return _refused = StoreStatus.LengthMismatch;
        try
        {
            while (content.Length > 0)
            {
                if (_buffered == BufferLength && await FlushAsync(cancellationToken) is var status && status != StoreStatus.Ok)
                    return status;
                if (_buffer.Length == 0)
                    _buffer = ArrayPool<byte>.Shared.Rent(BufferLength);
                var part = content[..Math.Min(content.Length, BufferLength - _buffered)];
                part.CopyTo(_buffer.AsMemory(_buffered));
                _hash.AppendData(part.Span);
                _buffered += part.Length;
                _length += part.Length;
                content = content[part.Length..];
            }
            return StoreStatus.Ok;
        }
        catch (Exception error) when (store.IsExpected(error, cancellationToken))
        {
            return Refuse(store.Fail<PutReceipt>(error));
        }
        catch
        {
            // Bytes may have gone with the wait that the caller ended: what is left must not become a blob.
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
        _committed = true;
        var digest = new Sha256Digest(_hash.GetHashAndReset());
        if (options.ExpectedSha256 is { } expected && expected != digest)
            return Outcome<PutReceipt>.Fail(StoreStatus.DigestMismatch, $"The content has the SHA-256 {digest}; {expected} was expected.");
        return await store.PublishAsync(this, draft with { Length = _length, PayloadLength = _length, Sha256 = digest, PayloadSha256 = digest }, options, cancellationToken);
    }

    /// <summary>Sends the rest of the content, or all of it, and waits for the answer.</summary>
    public Task<OriginAnswer> SendAsync(BlobMetadata next, PutPlan plan)
    {
        if (_early is not null)
            return Task.FromResult(_early);
        if (_upload is not null)
            return _upload.CompleteAsync(_buffer.AsMemory(0, _buffered));
        return client.SendAsync(
            HttpMethod.Put,
            next.Key,
            request => Prepare(request, new ReadOnlyMemoryContent(_buffer.AsMemory(0, _buffered)), plan, next.Sha256),
            () => true,
            client.Target.Timeout,
            CancellationToken.None);
    }

    public async ValueTask DisposeAsync()
    {
        if (_ended)
            return;
        _ended = true;
        if (_upload is not null)
            await _upload.DisposeAsync();
        _early?.Dispose();
        _hash.Dispose();
        if (_buffer.Length > 0)
            ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = [];
    }

    /// <summary>Makes room in the buffer: sends what is in it, unless it is clear already that the origin does not want it.</summary>
    private async ValueTask<StoreStatus> FlushAsync(CancellationToken cancellationToken)
    {
        Plan ??= await store.PlanAsync(draft.Key, options, cancellationToken);
        if (Plan is { IsRefused: false, IsComparison: false } plan && _early is null)
        {
            _upload ??= new OriginUpload(client, draft.Key, options.ExpectedLength, (request, content) => Prepare(request, content, plan, options.ExpectedSha256));
            _early = await _upload.PushAsync(_buffer.AsMemory(0, _buffered), cancellationToken);
            if (_early is not null && store.RefusalOf(_early) is { } refusal)
                return Refuse(refusal);
        }
        _buffered = 0;
        return StoreStatus.Ok;
    }

    private StoreStatus Refuse(Outcome<PutReceipt> outcome)
    {
        _detail = outcome.Detail;
        return _refused = outcome.Status;
    }

    private void Prepare(HttpRequestMessage request, HttpContent content, PutPlan plan, Sha256Digest? digest)
    {
        request.Content = content;
        content.Headers.TryAddWithoutValidation("Content-Type", draft.ContentType);
        plan.Apply(request.Headers);
        if (digest is { } known)
            request.Headers.TryAddWithoutValidation("Repr-Digest", $"sha-256=:{known.ToBase64()}:");
        if (metadata is not null)
            request.Headers.TryAddWithoutValidation(MetadataField.Name, metadata);
    }
}
