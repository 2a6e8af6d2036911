namespace EdgeCache.Storage.S3;

/// <summary>Reads content that lies in pieces, all of which but the last are full.</summary>
internal sealed class PieceStream(IReadOnlyList<byte[]> pieces, long length) : Stream
{
    private long _position;

    public override bool CanRead => true;

    public override bool CanSeek => true;

    public override bool CanWrite => false;

    public override long Length => length;

    public override long Position
    {
        get => _position;
        set => _position = value >= 0 ? value : throw new ArgumentOutOfRangeException(nameof(value), value, "Before the beginning.");
    }

    public override int Read(Span<byte> buffer)
    {
        if (_position >= length)
            return 0;
        var (piece, offset) = ((int)(_position / PartBuffers.PieceLength), (int)(_position % PartBuffers.PieceLength));
        var read = (int)Math.Min(Math.Min(buffer.Length, PartBuffers.PieceLength - offset), length - _position);
        pieces[piece].AsSpan(offset, read).CopyTo(buffer);
        _position += read;
        return read;
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
        cancellationToken.IsCancellationRequested ? ValueTask.FromCanceled<int>(cancellationToken) : new(Read(buffer.Span));

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) => ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override long Seek(long offset, SeekOrigin origin) => Position = origin switch
    {
        SeekOrigin.Begin => offset,
        SeekOrigin.Current => _position + offset,
        _ => length + offset,
    };

    public override void Flush()
    {
    }

    public override void SetLength(long value) => throw new NotSupportedException("The content is only read.");

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException("The content is only read.");
}
