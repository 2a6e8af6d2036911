using System.Buffers;

namespace EdgeCache.Storage.Tiering;

/// <summary>
/// Reads a part of a blob from the far store past the local one, and holds it against the checksums of its blocks: what is asked of the far store begins and ends with a block.
/// The last <see cref="Fill.HoldBack"/> bytes of the part are given out only when all blocks that it touches are found good, so a wrong part never ends well, and a short one is
/// never begun. Of the first try that is wrong nobody hears as long as nothing has been given out.
/// </summary>
internal sealed class CheckedReader(FillTable table, BlobMetadata metadata, BlockChecksums checksums, TierPolicy policy, ByteRange part) : IAsyncDisposable
{
    private const int BufferLength = 64 * 1024;

    private readonly BlockCheck _check = new(metadata, checksums);
    private IBlobReader? _far;
    private byte[]? _tail;
    private long _end = part.Length > metadata.Length - part.Offset ? metadata.Length : part.Offset + part.Length; // Of what is read: from there on nothing is held back.
    private long _position = -1; // How far the far store has been read.
    private long _given = -1; // Where the next read goes on.
    private long _tailStart; // Of what is held back.
    private bool _hasGiven;

    /// <summary>Reads content; at least one byte.</summary>
    /// <exception cref="BlobDamagedException">It is not what it should be.</exception>
    public async ValueTask<int> ReadAsync(long offset, Memory<byte> buffer, CancellationToken cancellationToken)
    {
        for (var isRetry = false; ; isRetry = true)
        {
            try
            {
                if (offset != _given || offset >= _end || _far is null)
                    await BeginAsync(offset, cancellationToken).ConfigureAwait(false);
                var read = await ReadOnAsync(offset, buffer, cancellationToken).ConfigureAwait(false);
                _given = offset + read;
                _hasGiven = true;
                return read;
            }
            catch (BlobDamagedException error)
            {
                table.OnMismatch(metadata.Key, error.Message);
                await CloseAsync().ConfigureAwait(false);
                if (_hasGiven || isRetry)
                    throw;
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        await CloseAsync().ConfigureAwait(false);
        if (_tail is not null)
            ArrayPool<byte>.Shared.Return(_tail);
        _tail = null;
    }

    private async ValueTask CloseAsync()
    {
        var far = _far;
        (_far, _given) = (null, -1);
        if (far is not null)
            await far.DisposeAsync().ConfigureAwait(false);
    }

    /// <summary>Opens the far store's blob at the start of the block that a byte is in, and reads up to the byte.</summary>
    private async ValueTask BeginAsync(long offset, CancellationToken cancellationToken)
    {
        await CloseAsync().ConfigureAwait(false);

        // Whoever reads on after the part that he has announced, reads to the end.
        if (offset >= _end)
            _end = metadata.Length;
        var start = _check.StartOf(offset);
        table.Counters.DirectRead();
        var opened = await table.Far.OpenReadAsync(metadata.Key, new ByteRange(start, _check.EndOf(_end - 1) - start), cancellationToken).ConfigureAwait(false);
        _far = opened.IsOk ? opened.Value : throw new IOException(opened.Detail ?? $"{metadata.Key} is no longer in the far store ({opened.Status}).");
        if (!FarBlobs.AreSame(FarBlobs.Normalize(_far.Metadata, policy), metadata))
            throw new IOException($"{metadata.Key} was replaced in the far store while it was being read.");
        _check.Begin(start);
        _position = start;
        await SkipAsync(offset, cancellationToken).ConfigureAwait(false);
    }

    private async ValueTask<int> ReadOnAsync(long offset, Memory<byte> buffer, CancellationToken cancellationToken)
    {
        var held = Math.Max(_end - Fill.HoldBack, 0);
        if (offset < held)
            return await TakeAsync(buffer[..(int)Math.Min(buffer.Length, held - offset)], cancellationToken).ConfigureAwait(false);
        _tail ??= ArrayPool<byte>.Shared.Rent(Fill.HoldBack);

        // The end of the part, and what of its last block is behind it, which is of no other use.
        var from = Math.Max(held, offset);
        if (_check.Verified < _end)
            await TakeTailAsync(from, cancellationToken).ConfigureAwait(false);
        var read = (int)Math.Min(buffer.Length, _end - offset);
        _tail.AsMemory((int)(offset - _tailStart), read).CopyTo(buffer);
        return read;
    }

    private async ValueTask TakeTailAsync(long from, CancellationToken cancellationToken)
    {
        _tailStart = from;
        while (_position < _end)
            await TakeAsync(_tail.AsMemory((int)(_position - from), (int)(_end - _position)), cancellationToken).ConfigureAwait(false);
        await SkipAsync(_check.EndOf(_end - 1), cancellationToken).ConfigureAwait(false);
    }

    private async ValueTask SkipAsync(long offset, CancellationToken cancellationToken)
    {
        if (_position >= offset)
            return;
        var buffer = ArrayPool<byte>.Shared.Rent(BufferLength);
        try
        {
            while (_position < offset)
                await TakeAsync(buffer.AsMemory(0, (int)Math.Min(BufferLength, offset - _position)), cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private async ValueTask<int> TakeAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        var read = await _far!.ReadAsync(_position, buffer, cancellationToken).ConfigureAwait(false);
        if (read == 0)
            throw new BlobDamagedException($"The content of {metadata.Key} ends too early.");
        _check.Append(buffer.Span[..read]);
        _position += read;
        return read;
    }
}
