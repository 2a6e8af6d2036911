using System.Security.Cryptography;
using Amazon.S3.Model;

namespace EdgeCache.Storage.S3;

/// <summary>
/// Reads one version of an object: the answer that opened it, then, elsewhere or when a connection breaks, further answers under <c>If-Match</c>. Once the object
/// has been replaced or deleted, only the answer that is under way can be read on; anything else is an <see cref="IOException"/>.
/// A read from the first byte to the last in order is held against the digest before the last bytes are given out.
/// </summary>
internal sealed class S3BlobReader(S3Session session, string name, StoredObject stored, TimeProvider time) : IBlobReader
{
    private readonly IncrementalHash? _hash = stored switch
    {
        { Blob.Sha256.IsKnown: true } => IncrementalHash.CreateHash(HashAlgorithmName.SHA256),

        // Against what disks and lines do, not against people: of somebody else's object there is nothing better.
        { Md5: not null } => IncrementalHash.CreateHash(HashAlgorithmName.MD5),
        _ => null,
    };
    private CancellationTokenSource _limit = new(Timeout.InfiniteTimeSpan, time);
    private GetObjectResponse? _answer;
    private Stream? _body;
    private long _position;
    private long _end;
    private long _hashed;
    private bool _hasProgress = true;

    public BlobMetadata Metadata => stored.Blob;

    public ReadOnlyMemory<byte>? ContentMd5 => stored is { Blob.Sha256.IsKnown: false, Md5: { } md5 } ? md5 : null;

    /// <summary>Takes over an answer whose body is to be read first.</summary>
    public void Begin(GetObjectResponse answer, long offset, long length)
    {
        Take(answer);
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
                await OpenAsync(offset, cancellationToken).ConfigureAwait(false);
            try
            {
                var read = await ReadSomeAsync(buffer, cancellationToken).ConfigureAwait(false);
                if (read == 0)
                    throw new EndOfStreamException($"The answer for {Metadata.Key} ended at {_position} instead of {_end}.");
                _position += read;
                _hasProgress = true;
                Check(offset, buffer.Span[..read]);
                return read;
            }
            catch (Exception error) when (error is not BlobDamagedException && !cancellationToken.IsCancellationRequested && S3Faults.IsExpected(error))
            {
                Close();

                // A connection may break: the rest is asked for again, once for each time that something arrived.
                if (!_hasProgress)
                    throw new IOException(S3Faults.Explain(error, session.Options), error);
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
        try
        {
            Take(await session.GetAsync(name, (offset, long.MaxValue), stored.ETag, cancellationToken).ConfigureAwait(false));
        }
        catch (Exception error) when (!cancellationToken.IsCancellationRequested && S3Faults.IsExpected(error))
        {
            throw new IOException(
                S3Faults.IsConflict(error) || S3Faults.IsMissing(error) || S3Faults.IsOutOfRange(error)
                    ? $"{Metadata.Key} was replaced or deleted while it was read."
                    : S3Faults.Explain(error, session.Options),
                error);
        }
        if (offset > 0 && !HasRange(_answer!, offset))
            throw new IOException($"{session.Options.ServerName} answered another range of {Metadata.Key} than was asked for.");
        _position = offset;
        _end = Metadata.Length;
    }

    internal static bool HasRange(GetObjectResponse answer, long offset) =>
        answer.ContentRange?.StartsWith(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"bytes {offset}-"), StringComparison.Ordinal) == true;

    private async ValueTask<int> ReadSomeAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        if (!_limit.TryReset())
        {
            _limit.Dispose();
            _limit = new CancellationTokenSource(Timeout.InfiniteTimeSpan, time);
        }
        _limit.CancelAfter(session.Options.Timeout);
        using var forward = cancellationToken.UnsafeRegister(static source => ((CancellationTokenSource)source!).Cancel(), _limit);
        try
        {
            return await _body!.ReadAsync(buffer[..(int)Math.Min(buffer.Length, _end - _position)], _limit.Token).ConfigureAwait(false);
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
        var length = _hash.GetHashAndReset(digest);
        if (Metadata.Sha256.IsKnown && new Sha256Digest(digest) != Metadata.Sha256)
            throw new BlobDamagedException($"The object of {Metadata.Key} does not have the SHA-256 that is written beside it.");
        if (!Metadata.Sha256.IsKnown && !digest[..length].SequenceEqual(stored.Md5))
            throw new BlobDamagedException($"The object of {Metadata.Key} does not have the MD5 that is its ETag.");
    }

    private void Take(GetObjectResponse answer) => (_answer, _body) = (answer, answer.ResponseStream);

    /// <summary>Ends the answer. What is left of a body is not read: the connection goes with it.</summary>
    private void Close()
    {
        _answer?.Dispose();
        (_answer, _body) = (null, null);
    }
}
