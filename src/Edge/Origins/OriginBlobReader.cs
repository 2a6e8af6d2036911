using System.Net.Http.Headers;
using System.Security.Cryptography;
using EdgeCache.Storage;
using Yarp.ReverseProxy.Forwarder;

namespace EdgeCache.Edge.Origins;

/// <summary>
/// Reads one version of a blob: the answer that opened it, then, elsewhere or when a connection breaks, further answers under <c>If-Match</c>, from any destination. Where the
/// origin gives no strong validator, nothing tells one version from another: then only the answer that is under way can be read. So it is with a blob that was replaced or
/// deleted; anything else is an <see cref="IOException"/>. A read from the first byte to the last in order is held against the digest before the last bytes are given out.
/// </summary>
internal sealed class OriginBlobReader(OriginClient client, OriginBlob stored) : IBlobReader
{
    private readonly IncrementalHash? _hash = stored.Blob.Sha256.IsKnown ? IncrementalHash.CreateHash(HashAlgorithmName.SHA256) : null;
    private CancellationTokenSource _limit = new(Timeout.InfiniteTimeSpan, client.Time);
    private OriginAnswer? _answer;
    private Stream? _body;
    private long _position;
    private long _end;
    private long _hashed;
    private bool _hasProgress = true;

    public BlobMetadata Metadata => stored.Blob;

    public BlobSource Source => BlobSource.Far;

    /// <summary>Takes over an answer whose body is to be read first.</summary>
    public async ValueTask BeginAsync(OriginAnswer answer, long offset, long length)
    {
        _answer = answer;
        _body = await answer.Response.Content.ReadAsStreamAsync();
        _position = offset;
        _end = offset + length;
    }

    public async ValueTask<int> ReadAsync(long offset, Memory<byte> buffer, CancellationToken cancellationToken)
    {
        var left = Metadata.Length - offset;
        if (left <= 0)
            return 0;
        buffer = buffer[..(int)Math.Min(left, buffer.Length)];
        while (true)
        {
            if (_answer is null || offset != _position || _position == _end)
                await OpenAsync(offset, cancellationToken);
            try
            {
                var read = await ReadSomeAsync(buffer, cancellationToken);
                if (read == 0)
                    throw new EndOfStreamException($"The answer for {Metadata.Key} ended at {_position} instead of {_end}.");
                _position += read;
                _hasProgress = true;
                Check(offset, buffer.Span[..read]);
                return read;
            }
            catch (Exception error) when (error is not BlobDamagedException && !cancellationToken.IsCancellationRequested && OriginFaults.IsExpected(error))
            {
                client.Report(_answer!, ForwarderError.ResponseBodyDestination, error);
                Close();

                // A connection may break: the rest is asked for again, once for each time that something arrived.
                if (!_hasProgress)
                    throw OriginFaults.Explain(client.Target, error);
                _hasProgress = false;
            }
            catch
            {
                // What has been taken from the answer is not known: the next read asks anew.
                Close();
                throw;
            }
        }
    }

    public ValueTask DisposeAsync()
    {
        Close();
        _hash?.Dispose();
        _limit.Dispose();
        return ValueTask.CompletedTask;
    }

    private async Task OpenAsync(long offset, CancellationToken cancellationToken)
    {
        Close();
        if (stored.ETag is not { } etag)
            throw OriginBlob.Bad(client.Target, $"gives no strong entity tag, without which {Metadata.Key} can't be read on at {offset}");
        var answer = await client.SendAsync(
            HttpMethod.Get,
            Metadata.Key,
            request =>
            {
                request.Headers.IfMatch.Add(new EntityTagHeaderValue(etag));
                if (offset > 0)
                    request.Headers.Range = new RangeHeaderValue(offset, null);
            },
            null,
            client.Target.Timeout,
            cancellationToken);
        try
        {
            if (answer.Status is StatusCodes.Status404NotFound or StatusCodes.Status410Gone or StatusCodes.Status412PreconditionFailed or StatusCodes.Status416RangeNotSatisfiable
                || (answer.Response.IsSuccessStatusCode && OriginBlob.ReadETag(answer.Response.Headers) != etag))
            {
                throw new IOException($"{Metadata.Key} was replaced or deleted while it was read.");
            }
            if (answer.Status is not (StatusCodes.Status200OK or StatusCodes.Status206PartialContent))
                throw OriginFaults.Unexpected(client.Target, answer.Response);
            var (first, length, total) = OriginBlob.ReadRange(client.Target, answer.Response);
            if (first != offset || total != Metadata.Length)
                throw OriginBlob.Bad(client.Target, $"answered another range of {Metadata.Key} than was asked for");
            await BeginAsync(answer, first, length);
        }
        catch
        {
            answer.Dispose();
            throw;
        }
    }

    private async ValueTask<int> ReadSomeAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        if (!_limit.TryReset())
        {
            _limit.Dispose();
            _limit = new CancellationTokenSource(Timeout.InfiniteTimeSpan, client.Time);
        }
        _limit.CancelAfter(client.Target.Timeout);
        using var forward = cancellationToken.UnsafeRegister(static source => ((CancellationTokenSource)source!).Cancel(), _limit);
        try
        {
            return await _body!.ReadAsync(buffer[..(int)Math.Min(buffer.Length, _end - _position)], _limit.Token);
        }
        finally
        {
            _limit.CancelAfter(Timeout.InfiniteTimeSpan);
        }
    }

    private void Check(long offset, ReadOnlySpan<byte> content)
    {
        if (_hash is null || offset != _hashed)
            return;
        _hash.AppendData(content);
        _hashed += content.Length;
        if (_hashed < Metadata.Length)
            return;
        Span<byte> digest = stackalloc byte[Sha256Digest.Size];
        _hash.GetHashAndReset(digest);
        if (new Sha256Digest(digest) != Metadata.Sha256)
            throw new BlobDamagedException($"What the origin sent of {Metadata.Key} does not have the SHA-256 that it gives.");
    }

    /// <summary>Ends the answer. What is left of a body is not read: the connection goes with it.</summary>
    private void Close()
    {
        _body?.Dispose();
        _body = null;
        _answer?.Dispose();
        _answer = null;
    }
}
