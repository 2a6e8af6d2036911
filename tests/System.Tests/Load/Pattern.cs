using System.Buffers.Binary;
using System.Security.Cryptography;
using EdgeCache.TestKit;

namespace EdgeCache.System.Tests.Load;

/// <summary>The bytes of every large artifact of a test: made where they are sent or compared, so that they cost 64 KiB of memory and next to no time. Every block says where it belongs.</summary>
internal sealed class Pattern
{
    private const int BlockLength = 64 * 1024;
    private static readonly byte[] Bytes = Blobs.Bytes(BlockLength);
    private readonly byte[] _block = [.. Bytes];

    /// <summary>What begins at an offset, up to the end of its block; until the next call.</summary>
    public ReadOnlyMemory<byte> At(long offset, long most)
    {
        var within = (int)(offset % BlockLength);
        BinaryPrimitives.WriteInt64LittleEndian(_block, offset - within);
        return _block.AsMemory(within, (int)Math.Min(most, BlockLength - within));
    }

    /// <summary>SHA-256 of the first bytes, as a lower-case text.</summary>
    public string Digest(long length)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        for (var offset = 0L; offset < length;)
        {
            var part = At(offset, length - offset);
            hash.AppendData(part.Span);
            offset += part.Length;
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <summary>Reads to the end; every byte must be right.</summary>
    /// <returns>How many there were.</returns>
    public async Task<long> CompareAsync(Stream stream, CancellationToken cancellationToken)
    {
        var buffer = new byte[BlockLength];
        for (var offset = 0L; ;)
        {
            var read = await stream.ReadAsync(buffer, cancellationToken);
            if (read == 0)
                return offset;
            for (var compared = 0; compared < read;)
            {
                var part = At(offset, read - compared);
                part.Span.SequenceEqual(buffer.AsSpan(compared, part.Length)).ShouldBeTrue($"the bytes from {offset} on");
                compared += part.Length;
                offset += part.Length;
            }
        }
    }
}
