using System.Buffers;
using System.Security.Cryptography;

namespace EdgeCache.Storage.Tiering;

/// <summary>
/// Reads a blob that is being fetched: what has come in is read back, the rest is waited for. Goes to the far store itself for a part far ahead of the fetch, and for what
/// the local store does not take. Whoever reads from the first byte to the last in order gets the end only when the whole is what it should be, whichever way it came.
/// </summary>
internal sealed class FillReader(FillTable table, Fill fill, BlobMetadata metadata, TierPolicy policy, ByteRange expected, BlobSource source) : IBlobReader
{
    /// <summary>A part that begins so far after what has come in is not waited for, in bytes.</summary>
    private const long FarAhead = 8 << 20;

    /// <summary>
    /// A part of a blob up to this length is given out only when the whole has been found good. Of a larger one that would take too long: a part of it that is asked for while it is
    /// being fetched is given out as it comes, and its length and the version are all that is checked.
    /// </summary>
    private const long MaxWholeFirst = FarAhead;

    private const int HashBufferLength = 64 * 1024;

    private readonly bool _isWholeFirst = metadata.Length <= MaxWholeFirst && (expected.Offset > 0 || expected.Length < metadata.Length);
    private Fill _fill = fill;
    private IBlobReader? _direct;
    private IncrementalHash? _hash;
    private long _inOrder; // Where the next read goes on if all of them were in order from the first byte; -1 when not.
    private bool _hasGiven;
    private bool _isDisposed;

    public BlobMetadata Metadata => metadata;

    public BlobSource Source => source;

    public ValueTask<int> ReadAsync(long offset, Memory<byte> buffer, CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        var left = metadata.Length - offset;
        if (left <= 0)
            return new(0);
        buffer = buffer[..(int)Math.Min(left, buffer.Length)];
        if (_direct is not null)
            return ReadSlowlyAsync(offset, buffer, cancellationToken);
        Look(offset, out var available);
        if (available <= 0)
            return ReadSlowlyAsync(offset, buffer, cancellationToken);
        var read = _fill.ReadBackAsync(offset, buffer[..(int)Math.Min(available, buffer.Length)], cancellationToken);
        return read.IsCompletedSuccessfully ? new(Note(offset, read.Result)) : NoteAsync(offset, read);
    }

    public async ValueTask DisposeAsync()
    {
        if (_isDisposed)
            return;
        _isDisposed = true;
        _hash?.Dispose();
        if (_direct is not null)
            await _direct.DisposeAsync().ConfigureAwait(false);
        await _fill.RemoveReaderAsync().ConfigureAwait(false);
    }

    private async ValueTask<int> ReadSlowlyAsync(long offset, Memory<byte> buffer, CancellationToken cancellationToken)
    {
        while (_direct is null)
        {
            var state = Look(offset, out var available);
            if (available > 0)
                return Note(offset, await _fill.ReadBackAsync(offset, buffer[..(int)Math.Min(available, buffer.Length)], cancellationToken).ConfigureAwait(false));
            if (state == FillState.Mismatched)
                await JoinNextAsync(cancellationToken).ConfigureAwait(false);
            else if (state == FillState.Running && -available <= FarAhead)
                await _fill.WaitAsync(_isWholeFirst ? metadata.Length - 1 : offset, metadata.Length, cancellationToken).ConfigureAwait(false);
            else
                await GoDirectAsync(offset, cancellationToken).ConfigureAwait(false);
        }
        var read = await _direct.ReadAsync(offset, buffer, cancellationToken).ConfigureAwait(false);
        Check(offset, buffer.Span[..read]);
        return Note(offset, read);
    }

    /// <summary>What can be given out from an offset on.</summary>
    private FillState Look(long offset, out long available)
    {
        var state = _fill.Look(offset, metadata.Length, out available);
        if (_isWholeFirst && state == FillState.Running)
            available = Math.Min(0, available);
        return state;
    }

    private async ValueTask<int> NoteAsync(long offset, ValueTask<int> read) => Note(offset, await read.ConfigureAwait(false));

    private int Note(long offset, int read)
    {
        _hasGiven = true;
        _inOrder = offset == _inOrder ? offset + read : -1;
        return read;
    }

    /// <summary>The content was wrong. Who has got none of it can have that of the second try.</summary>
    private async ValueTask JoinNextAsync(CancellationToken cancellationToken)
    {
        if (_hasGiven || _fill.JoinNext() is not { } next)
            throw new BlobDamagedException($"What the far store sent for {metadata.Key} is not what it should be.");
        var failed = _fill;
        _fill = next;
        await failed.RemoveReaderAsync().ConfigureAwait(false);
        var opened = await next.Opened.WaitAsync(cancellationToken).ConfigureAwait(false);
        if (!opened.IsOk || !FarBlobs.AreSame(opened.Value, metadata))
            throw new BlobDamagedException($"What the far store sent for {metadata.Key} is not what it should be.");
    }

    private async ValueTask GoDirectAsync(long offset, CancellationToken cancellationToken)
    {
        table.Counters.DirectRead();
        var reader = _fill.TakeSpare() ?? await OpenAsync(offset, cancellationToken).ConfigureAwait(false);
        try
        {
            if (!FarBlobs.AreSame(FarBlobs.Normalize(reader.Metadata, policy), metadata))
                throw new IOException($"{metadata.Key} was replaced in the far store while it was being read.");

            // A far reader holds what it reads from the first byte on against the digest that it knows; not against one that is the key, and what has been given before it began, it does not know.
            if (offset == _inOrder && metadata.Sha256.IsKnown && (offset > 0 || !reader.Metadata.Sha256.IsKnown))
                _hash = await HashGivenAsync(offset, cancellationToken).ConfigureAwait(false);
        }
        catch
        {
            await reader.DisposeAsync().ConfigureAwait(false);
            throw;
        }
        _direct = reader;
    }

    private async ValueTask<IBlobReader> OpenAsync(long offset, CancellationToken cancellationToken)
    {
        var end = expected.Length > metadata.Length - expected.Offset ? metadata.Length : expected.Offset + expected.Length;
        var part = offset == 0 && end == metadata.Length ? ByteRange.Whole : new ByteRange(offset, Math.Max(1, end - offset));
        var opened = await table.Far.OpenReadAsync(metadata.Key, part, cancellationToken).ConfigureAwait(false);
        return opened.IsOk ? opened.Value : throw new IOException(opened.Detail ?? $"{metadata.Key} is no longer in the far store ({opened.Status}).");
    }

    private async ValueTask<IncrementalHash> HashGivenAsync(long length, CancellationToken cancellationToken)
    {
        var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var buffer = ArrayPool<byte>.Shared.Rent(HashBufferLength);
        try
        {
            for (var offset = 0L; offset < length;)
            {
                var read = await _fill.ReadBackAsync(offset, buffer.AsMemory(0, (int)Math.Min(length - offset, HashBufferLength)), cancellationToken).ConfigureAwait(false);
                if (read == 0)
                    throw new IOException($"What was fetched of {metadata.Key} can't be read back.");
                hash.AppendData(buffer.AsSpan(0, read));
                offset += read;
            }
            return hash;
        }
        catch
        {
            hash.Dispose();
            throw;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private void Check(long offset, ReadOnlySpan<byte> read)
    {
        if (_hash is null || offset != _inOrder)
            return;
        _hash.AppendData(read);
        if (offset + read.Length < metadata.Length)
            return;
        Span<byte> digest = stackalloc byte[Sha256Digest.Size];
        _hash.GetHashAndReset(digest);
        if (new Sha256Digest(digest) != metadata.Sha256)
            throw new BlobDamagedException($"What the far store sent for {metadata.Key} is not what it should be.");
    }
}
