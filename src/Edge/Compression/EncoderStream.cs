using System.Buffers;
using EdgeCache.Codecs;
using EdgeCache.Edge.Transport;

namespace EdgeCache.Edge.Compression;

/// <summary>An encoder as a stream that is written to. Ending it ends the encoded content; the stream below stays open.</summary>
internal sealed class EncoderStream(StreamEncoder encoder, Stream output) : Stream
{
    private byte[]? _buffer = ArrayPool<byte>.Shared.Rent(32 * 1024);

    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override void Write(ReadOnlySpan<byte> buffer) => Encode(buffer, EncodeMode.Continue);

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) => WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) => EncodeAsync(buffer, EncodeMode.Continue, cancellationToken);

    public override void Flush()
    {
        Encode(default, EncodeMode.Flush);
        output.Flush();
    }

    public override async Task FlushAsync(CancellationToken cancellationToken)
    {
        await EncodeAsync(default, EncodeMode.Flush, cancellationToken);
        await output.FlushAsync(cancellationToken);
    }

    public override async ValueTask DisposeAsync()
    {
        if (_buffer is not null)
        {
            await EncodeAsync(default, EncodeMode.End, CancellationToken.None);
            Release();
        }
        await base.DisposeAsync();
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (_buffer is not null)
        {
            Encode(default, EncodeMode.End);
            Release();
        }
        base.Dispose(disposing);
    }

    private void Encode(ReadOnlySpan<byte> source, EncodeMode mode)
    {
        while (true)
        {
            var step = Step(source, mode);
            output.Write(_buffer.AsSpan(0, step.Produced));
            if (step.Status == CodecStatus.Ok)
                return;
            source = source[step.Consumed..];
        }
    }

    private async ValueTask EncodeAsync(ReadOnlyMemory<byte> source, EncodeMode mode, CancellationToken cancellationToken)
    {
        while (true)
        {
            if (InlineTurn.IsOnSocketThread)
                await Task.Yield();
            var step = Step(source.Span, mode);
            if (step.Produced > 0)
                await output.WriteAsync(_buffer.AsMemory(0, step.Produced), cancellationToken);
            if (step.Status == CodecStatus.Ok)
                return;
            source = source[step.Consumed..];
        }
    }

    private CodecStep Step(ReadOnlySpan<byte> source, EncodeMode mode)
    {
        ObjectDisposedException.ThrowIf(_buffer is null, this);
        var step = encoder.Encode(source, _buffer, mode);
        return step.Status is CodecStatus.Ok or CodecStatus.NeedsOutput ? step : throw new IOException($"The content can't be encoded: {step.Status}.");
    }

    private void Release()
    {
        encoder.Dispose();
        ArrayPool<byte>.Shared.Return(_buffer!);
        _buffer = null;
    }
}
