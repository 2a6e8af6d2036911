using EdgeCache.Storage.Local.Segments;

namespace EdgeCache.Storage.Local;

/// <content>Reading what has been written, while it is written and after.</content>
internal sealed partial class LocalBlobWriter
{
    public ValueTask<int> ReadAsync(long offset, Memory<byte> buffer, CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(_ended, this);
        lock (_tail)
        {
            var left = _length - offset;
            if (left <= 0)
                return new(0);

            // Before the first flush the buffer begins with the headers; from then on, with what comes after the file.
            var (inFile, headers) = _file is null || _fileLength == 0 ? (0L, RecordFormat.HeaderLength + _headerLength) : (_fileLength - _headerLength, 0);
            if (offset >= inFile)
            {
                var length = (int)Math.Min(left, buffer.Length);
                _buffer.AsSpan(headers + (int)(offset - inFile), length).CopyTo(buffer.Span);
                return new(length);
            }
            buffer = buffer[..(int)Math.Min(inFile - offset, buffer.Length)];
        }

        // This part of the file never changes again.
        var read = _file!.TryReadNow(_headerLength + offset, buffer.Span);
        return read > 0 ? new(read) : ReadColdAsync(offset, buffer, cancellationToken);
    }

    private async ValueTask<int> ReadColdAsync(long offset, Memory<byte> buffer, CancellationToken cancellationToken)
    {
        var read = await _store.RunReadAsync(() => _file!.Read(_headerLength + offset, buffer.Span), cancellationToken).ConfigureAwait(false);
        return read > 0 ? read : throw new IOException($"What was written of {_draft.Key} can't be read back.");
    }
}
