using System.Buffers;
using System.Buffers.Binary;

namespace EdgeCache.Storage;

/// <summary>
/// Checksums (<see cref="Crc32C"/>) over the blocks of a blob's content, so that a part of it can be checked without the rest. A block has the smallest power of two of bytes from
/// <see cref="MinBlockLength"/> on with which there are at most <see cref="MaxBlocks"/>; the last one may be shorter. So the length of the content says how long a block is.
/// </summary>
public sealed class BlockChecksums
{
    /// <summary>Shortest block in bytes, 1 MiB: up to 128 MiB of content a block is as long as that.</summary>
    public const int MinBlockLength = 1 << 20;

    /// <summary>Most blocks of a blob: their checksums must fit into what S3 takes beside an object, with all the rest.</summary>
    public const int MaxBlocks = 128;

    private readonly uint[] _values;

    internal BlockChecksums(uint[] values, long blockLength)
    {
        _values = values;
        BlockLength = blockLength;
    }

    /// <summary>Length of every block but the last, in bytes.</summary>
    public long BlockLength { get; }

    /// <summary>Number of blocks, 1 to <see cref="MaxBlocks"/>.</summary>
    public int Count => _values.Length;

    /// <summary>The checksum of a block, counted from 0.</summary>
    public uint this[int block] => _values[block];

    /// <summary>How long a block of content of a length is, in bytes.</summary>
    public static long BlockLengthFor(long length)
    {
        // A length may be what somebody claims: the product of the other two would overflow.
        long block = MinBlockLength;
        while (block <= (length - 1) / MaxBlocks)
            block *= 2;
        return block;
    }

    /// <summary>The checksums as a text: base64 of their bytes, the highest byte of each first.</summary>
    public override string ToString()
    {
        var bytes = new byte[_values.Length * sizeof(uint)];
        for (var i = 0; i < _values.Length; i++)
            BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(i * sizeof(uint)), _values[i]);
        return Convert.ToBase64String(bytes);
    }

    /// <summary>Reads what <see cref="ToString"/> writes.</summary>
    /// <param name="text">The text; null for none.</param>
    /// <param name="length">Length of the content in bytes.</param>
    /// <returns>Null where it is no such text, or can't be of content of this length.</returns>
    public static BlockChecksums? TryParse(string? text, long length)
    {
        Span<byte> bytes = stackalloc byte[MaxBlocks * sizeof(uint)];
        if (text is null || length <= 0 || text.Length > MaxBlocks * 6 || !Convert.TryFromBase64String(text, bytes, out var count))
            return null;
        var block = BlockLengthFor(length);
        if (count != ((length + block - 1) / block) * sizeof(uint))
            return null;
        var values = new uint[count / sizeof(uint)];
        for (var i = 0; i < values.Length; i++)
            values[i] = BinaryPrimitives.ReadUInt32BigEndian(bytes[(i * sizeof(uint))..]);
        return new BlockChecksums(values, block);
    }

    /// <summary>The checksums of blocks that are put together from shorter ones.</summary>
    /// <param name="values">Checksums over each <see cref="MinBlockLength"/> bytes of the content.</param>
    /// <param name="length">Length of the content in bytes.</param>
    /// <returns>Null where there is no content.</returns>
    public static BlockChecksums? Of(ReadOnlySpan<uint> values, long length)
    {
        if (length <= 0)
            return null;
        var block = BlockLengthFor(length);
        var together = (int)(block / MinBlockLength);
        var result = new uint[(length + block - 1) / block];
        for (var i = 0; i < values.Length; i++)
        {
            ref var value = ref result[i / together];
            value = i % together == 0 ? values[i] : Crc32C.Combine(value, values[i], Math.Min(MinBlockLength, length - ((long)i * MinBlockLength)));
        }
        return new BlockChecksums(result, block);
    }

    /// <summary>Reads all content of a blob and takes its checksums; null where it has no content, or ends too early.</summary>
    public static async ValueTask<BlockChecksums?> OfAsync(IBlobReader reader, CancellationToken cancellationToken)
    {
        var builder = new BlockChecksumBuilder();
        if (reader.TryGetMemory(out var memory))
        {
            builder.Append(memory.Span);
            return builder.End();
        }
        var buffer = ArrayPool<byte>.Shared.Rent(128 * 1024);
        try
        {
            for (var offset = 0L; offset < reader.Metadata.Length;)
            {
                var read = await reader.ReadAsync(offset, buffer, cancellationToken).ConfigureAwait(false);
                if (read == 0)
                    return null;
                builder.Append(buffer.AsSpan(0, read));
                offset += read;
            }
            return builder.End();
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}

/// <summary>Takes the checksums of content as it comes, however much that will be: where there are too many blocks, two become one.</summary>
public sealed class BlockChecksumBuilder
{
    private readonly uint[] _values = new uint[BlockChecksums.MaxBlocks];
    private int _count;
    private long _blockLength = BlockChecksums.MinBlockLength;
    private Crc32C _block = Crc32C.Start();
    private long _inBlock;

    /// <summary>Adds content.</summary>
    public void Append(ReadOnlySpan<byte> content)
    {
        while (content.Length > 0)
        {
            if (_count == BlockChecksums.MaxBlocks)
                Halve();
            var part = content[..(int)Math.Min(content.Length, _blockLength - _inBlock)];
            _block.Append(part);
            _inBlock += part.Length;
            content = content[part.Length..];
            if (_inBlock == _blockLength)
                EndBlock();
        }
    }

    /// <summary>The checksums of all content that was added; null where there was none. Nothing may be added afterwards.</summary>
    public BlockChecksums? End()
    {
        if (_inBlock > 0)
            EndBlock();
        return _count == 0 ? null : new BlockChecksums(_values[.._count], _blockLength);
    }

    private void EndBlock()
    {
        _values[_count++] = _block.Value;
        _block = Crc32C.Start();
        _inBlock = 0;
    }

    /// <summary>All places are taken and no block is begun: makes blocks of twice the length.</summary>
    private void Halve()
    {
        for (var i = 0; i < _count / 2; i++)
            _values[i] = Crc32C.Combine(_values[2 * i], _values[(2 * i) + 1], _blockLength);
        _count /= 2;
        _blockLength *= 2;
    }
}
