using System.Buffers.Binary;
using System.Security.Cryptography;

namespace EdgeCache.TestKit;

/// <summary>
/// As many bytes as wanted, made while they are read: never in memory, never on a disk. Every block differs from every other. What has been read so
/// far is hashed; the digest can be asked for after the client has disposed the stream.
/// </summary>
public sealed class ContentStream(long length, int seed = 1) : Stream
{
    private const int BlockLength = 64 * 1024;

    private readonly byte[] _block = Blobs.Bytes(BlockLength, seed);
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private long _position;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position { get => _position; set => throw new NotSupportedException(); }

    /// <summary>SHA-256 of what was read, as a lower-case text. Once.</summary>
    public string TakeDigest() => Convert.ToHexStringLower(_hash.GetHashAndReset());

    public override int Read(Span<byte> buffer)
    {
        var offset = (int)(_position % BlockLength);
        if (offset == 0)
            BinaryPrimitives.WriteInt64LittleEndian(_block, _position);
        var count = (int)Math.Min(Math.Min(buffer.Length, BlockLength - offset), length - _position);
        var part = _block.AsSpan(offset, count);
        part.CopyTo(buffer);
        _hash.AppendData(part);
        _position += count;
        return count;
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => new(Read(buffer.Span));

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) => Task.FromResult(Read(buffer.AsSpan(offset, count)));

    public override void Flush() => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
}
