using System.Buffers;
using EdgeCache.Codecs.Frames;
using EdgeCache.Storage.Local.Compressing;
using EdgeCache.Storage.Local.Segments;

namespace EdgeCache.Storage.Local;

/// <content>Reading what has been written, while it is written and after.</content>
internal sealed partial class LocalBlobWriter
{
    public ValueTask<int> ReadAsync(long offset, Memory<byte> buffer, CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(_ended, this);
        FrameStage? stage;
        lock (_tail)
        {
            stage = _stage;
            if (stage is not null && offset >= stage.WrittenLength)
                return new(stage.CopyUnwritten(offset, buffer.Span));
        }
        return stage is null ? ReadPayloadAsync(offset, buffer, cancellationToken) : ReadFrameAsync(stage, offset, buffer, cancellationToken);
    }

    /// <summary>Reads what has been written of the payload.</summary>
    private ValueTask<int> ReadPayloadAsync(long offset, Memory<byte> buffer, CancellationToken cancellationToken)
    {
        lock (_tail)
        {
            var left = _payloadLength - offset;
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

    /// <summary>Reads from a frame that has been written. The last one that was asked for stays decoded: whoever reads back reads on.</summary>
    private async ValueTask<int> ReadFrameAsync(FrameStage stage, long offset, Memory<byte> buffer, CancellationToken cancellationToken)
    {
        var frame = offset / SeekTable.FrameContentLength;
        await stage.Decoding.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            if (stage.DecodedFrame != frame)
                await DecodeFrameAsync(stage, frame, cancellationToken).ConfigureAwait(false);
            return stage.CopyDecoded((int)(offset % SeekTable.FrameContentLength), buffer.Span);
        }
        finally
        {
            stage.Decoding.Release();
        }
    }

    private async ValueTask DecodeFrameAsync(FrameStage stage, long frame, CancellationToken cancellationToken)
    {
        (long Start, int Length) where;
        lock (_tail)
            where = stage.FrameAt(frame);
        var payload = ArrayPool<byte>.Shared.Rent(where.Length);
        try
        {
            for (var got = 0; got < where.Length;)
                got += await ReadPayloadAsync(where.Start + got, payload.AsMemory(got, where.Length - got), cancellationToken).ConfigureAwait(false);
            if (!stage.Decode(frame, payload.AsSpan(0, where.Length)))
                throw new IOException($"What was written of {_draft.Key} can't be read back.");
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(payload);
        }
    }

    private async ValueTask<int> ReadColdAsync(long offset, Memory<byte> buffer, CancellationToken cancellationToken)
    {
        var read = await _store.RunReadAsync(() => _file!.Read(_headerLength + offset, buffer.Span), cancellationToken).ConfigureAwait(false);
        return read > 0 ? read : throw new IOException($"What was written of {_draft.Key} can't be read back.");
    }
}
