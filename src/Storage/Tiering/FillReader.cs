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
    /// A part of a blob up to this length whose blocks have no checksums is given out only when the whole has been found good. Of a larger one that would take too long: such a part
    /// of it that is asked for while it is being fetched is given out as it comes, and its length and the version are all that is checked.
    /// </summary>
    private const long MaxWholeFirst = FarAhead;

    private const int HashBufferLength = 64 * 1024;

    private readonly BlockCheck? _blocks = IsPart(expected, metadata) && metadata.Checksums is { } checksums ? new BlockCheck(metadata, checksums) : null;
    private readonly bool _isWholeFirst = IsPart(expected, metadata) && metadata is { Checksums: null, Length: <= MaxWholeFirst };
    private Fill _fill = fill;
    private IBlobReader? _direct;
    private CheckedReader? _checked; // In place of the other, for a part whose blocks have checksums.
    private IncrementalHash? _hash;
    private ReadOnlyMemory<byte>? _md5; // Of the content, where its SHA-256 is not known.
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
        if (_direct is not null || _checked is not null)
            return ReadSlowlyAsync(offset, buffer, cancellationToken);
        Look(offset, out var available, out _);
        if (available <= 0)
            return ReadSlowlyAsync(offset, buffer, cancellationToken);
        var read = _fill.ReadBackAsync(offset, buffer[..(int)Math.Min(available, buffer.Length)], cancellationToken);
        return read.IsCompletedSuccessfully ? new(Note(offset, read.Result)) : NoteAsync(offset, read);
    }

    /// <summary>Goes on with a reader of the far store, which is disposed here whatever happens.</summary>
    /// <param name="reader">The reader, of the version that this one tells of.</param>
    /// <param name="isSpare">Whether it is the fetch's own.</param>
    /// <param name="offset">Where it goes on.</param>
    /// <param name="cancellationToken">Ends reading what has been given so far.</param>
    /// <exception cref="IOException">It is another version.</exception>
    public async ValueTask UseAsync(IBlobReader reader, bool isSpare, long offset, CancellationToken cancellationToken)
    {
        table.Counters.DirectRead();
        try
        {
            if (!FarBlobs.AreSame(FarBlobs.Normalize(reader.Metadata, policy), metadata))
                throw new IOException($"{metadata.Key} was replaced in the far store while it was being read.");

            // A far reader holds what it reads from the first byte on against the digest that it knows. Not against one that is the key; what has been given before it began, it does not
            // know; and the fetch's has been read from already.
            var checksItself = offset == 0 && !isSpare && (reader.Metadata.Sha256.IsKnown || !metadata.Sha256.IsKnown);
            _md5 = metadata.Sha256.IsKnown ? null : reader.ContentMd5;
            if (offset == _inOrder && !checksItself && (metadata.Sha256.IsKnown || _md5 is not null))
                _hash = await HashGivenAsync(offset, cancellationToken).ConfigureAwait(false);
        }
        catch
        {
            await reader.DisposeAsync().ConfigureAwait(false);
            throw;
        }
        _direct = reader;
    }

    public async ValueTask DisposeAsync()
    {
        if (_isDisposed)
            return;
        _isDisposed = true;
        _hash?.Dispose();
        if (_direct is not null)
            await _direct.DisposeAsync().ConfigureAwait(false);
        if (_checked is not null)
            await _checked.DisposeAsync().ConfigureAwait(false);
        await _fill.RemoveReaderAsync().ConfigureAwait(false);
    }

    private async ValueTask<int> ReadSlowlyAsync(long offset, Memory<byte> buffer, CancellationToken cancellationToken)
    {
        while (_direct is null && _checked is null)
        {
            var state = Look(offset, out var available, out var ahead);
            if (available > 0)
                return Note(offset, await _fill.ReadBackAsync(offset, buffer[..(int)Math.Min(available, buffer.Length)], cancellationToken).ConfigureAwait(false));
            if (state == FillState.Mismatched)
                await JoinNextAsync(cancellationToken).ConfigureAwait(false);
            else if (state == FillState.Running && ahead <= FarAhead)
                await _fill.WaitAsync(_isWholeFirst ? metadata.Length - 1 : offset, metadata.Length, _blocks is not null, cancellationToken).ConfigureAwait(false);
            else
                await GoDirectAsync(offset, cancellationToken).ConfigureAwait(false);
        }
        if (_checked is not null)
            return Note(offset, await _checked.ReadAsync(offset, buffer, cancellationToken).ConfigureAwait(false));
        var read = await _direct!.ReadAsync(offset, buffer, cancellationToken).ConfigureAwait(false);
        Check(offset, buffer.Span[..read]);
        return Note(offset, read);
    }

    /// <summary>What can be given out from an offset on.</summary>
    private FillState Look(long offset, out long available, out long ahead)
    {
        var state = _fill.Look(offset, metadata.Length, _blocks is not null, out available, out ahead);
        if (_isWholeFirst && state == FillState.Running)
            available = Math.Min(0, available);

        // Read by itself, it would be read from the start of its block.
        if (_blocks is not null)
            ahead -= offset - _blocks.StartOf(offset);
        return state;
    }

    private static bool IsPart(ByteRange expected, BlobMetadata metadata) => expected.Offset > 0 || expected.Length < metadata.Length;

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
        if (_blocks is not null)
        {
            _checked = new CheckedReader(table, metadata, metadata.Checksums!, policy, expected);
            return;
        }
        var spare = _fill.TakeSpare();
        await UseAsync(spare ?? await OpenAsync(offset, cancellationToken).ConfigureAwait(false), spare is not null, offset, cancellationToken).ConfigureAwait(false);
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
        var hash = IncrementalHash.CreateHash(_md5 is null ? HashAlgorithmName.SHA256 : HashAlgorithmName.MD5);
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
        var length = _hash.GetHashAndReset(digest);
        if (_md5 is { } md5 ? !digest[..length].SequenceEqual(md5.Span) : new Sha256Digest(digest) != metadata.Sha256)
            throw new BlobDamagedException($"What the far store sent for {metadata.Key} is not what it should be.");
    }
}
