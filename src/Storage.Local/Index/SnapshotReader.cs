using System.Buffers;
using System.Buffers.Binary;
using System.Runtime.InteropServices;
using EdgeCache.Storage.Local.Files;

namespace EdgeCache.Storage.Local.Index;

/// <summary>Reads a snapshot from start to end, in reads of up to 1 MiB, and believes nothing that it has not checked.</summary>
internal sealed class SnapshotReader(IStoreFile file) : IDisposable
{
    private readonly byte[] _buffer = ArrayPool<byte>.Shared.Rent(SnapshotFormat.BufferLength);
    private readonly long _length = file.Length;
    private Crc32C _chain = Crc32C.Start();
    private int _start;
    private int _end;
    private long _read;
    private ulong _entries;
    private int _shard = -1;
    private int _leftInShard;

    private long Remaining => _length - _read + _end - _start;

    /// <summary>Reads it all.</summary>
    /// <exception cref="InvalidDataException">The snapshot is damaged.</exception>
    public (SnapshotHeader Header, BlobIndex Index) Read(Guid storeId)
    {
        var header = ReadHeader(storeId);
        var index = new BlobIndex();
        var known = new bool[ushort.MaxValue + 1];
        foreach (var id in header.Namespaces.Keys)
            known[id] = true;
        while (Remaining > SnapshotFormat.TrailerLength)
            ReadBlock(index, known);
        ReadTrailer();
        return (header, index);
    }

    public void Dispose() => ArrayPool<byte>.Shared.Return(_buffer);

    public static uint BlockChecksum(ReadOnlySpan<byte> block)
    {
        var crc = Crc32C.Start();
        crc.Append(block[..12]);
        crc.Append(block[SnapshotFormat.BlockHeaderLength..]);
        return crc.Value;
    }

    private SnapshotHeader ReadHeader(Guid storeId)
    {
        Span<byte> prologue = stackalloc byte[SnapshotFormat.PrologueLength];
        Take(prologue.Length).CopyTo(prologue);
        var tablesLength = SnapshotFormat.CheckPrologue(prologue, storeId);
        Require(tablesLength <= Remaining, "It ends within its tables.");
        _chain.Append(prologue[^4..]);
        var tables = new byte[tablesLength];
        for (var rest = tables.AsSpan(); !rest.IsEmpty;)
        {
            var part = Take(Math.Min(rest.Length, SnapshotFormat.BufferLength));
            part.CopyTo(rest);
            rest = rest[part.Length..];
        }
        return SnapshotFormat.Decode(prologue, tables);
    }

    private void ReadBlock(BlobIndex index, bool[] knownNamespaces)
    {
        var start = Peek(SnapshotFormat.BlockHeaderLength);
        var shard = BinaryPrimitives.ReadUInt32LittleEndian(start);
        var left = BinaryPrimitives.ReadUInt32LittleEndian(start[4..]);
        var count = BinaryPrimitives.ReadUInt32LittleEndian(start[8..]);
        Require(count is > 0 and <= SnapshotFormat.MaxBlockEntries, "A block has an impossible length.");
        var block = Take(SnapshotFormat.BlockHeaderLength + ((int)count * IndexEntry.Size));
        var checksum = BinaryPrimitives.ReadUInt32LittleEndian(block[12..]);
        Require(checksum == BlockChecksum(block), "The checksum of a block is wrong.");
        // Blocks of a shard follow each other, and shards ascend: none is missing and none is there twice. The size of a table is taken from the first
        // block's word, so it must fit what the file still has.
        Require(shard < BlobIndex.ShardCount && count <= left, "A block makes no sense.");
        Require(_leftInShard > 0 ? shard == _shard && left == _leftInShard : shard > _shard, "A block is missing.");
        Require((left - count) * (long)IndexEntry.Size <= Remaining, "It ends within a shard.");

        var entries = MemoryMarshal.Cast<byte, IndexEntry>(block[SnapshotFormat.BlockHeaderLength..]);
        Require(AreSound(entries, shard, knownNamespaces), "An entry makes no sense.");
        Require(index.TryLoad((int)shard, entries, (int)left), "An entry is there twice.");
        _chain.Append(block.Slice(12, 4));
        _shard = (int)shard;
        _leftInShard = (int)(left - count);
        _entries += count;
    }

    private static bool AreSound(ReadOnlySpan<IndexEntry> entries, uint shard, bool[] knownNamespaces)
    {
        foreach (ref readonly var entry in entries)
        {
            if (!entry.IsValid || BlobIndex.ShardOf(entry.Hash) != shard || !knownNamespaces[entry.NamespaceId])
                return false;
        }
        return true;
    }

    private void ReadTrailer()
    {
        Require(Remaining == SnapshotFormat.TrailerLength && _leftInShard == 0, "It ends within a shard.");
        var trailer = Take(SnapshotFormat.TrailerLength);
        Require(trailer.StartsWith(SnapshotFormat.TrailerMagic), "It has no end.");
        Require(BinaryPrimitives.ReadUInt32LittleEndian(trailer[20..]) == Crc32C.Of(trailer[..20]), "The checksum of its end is wrong.");
        Require(BinaryPrimitives.ReadUInt64LittleEndian(trailer[8..]) == _entries, "Entries are missing.");
        Require(BinaryPrimitives.ReadUInt32LittleEndian(trailer[16..]) == _chain.Value, "Its parts do not belong together.");
    }

    private ReadOnlySpan<byte> Take(int length)
    {
        var taken = Peek(length);
        _start += length;
        return taken;
    }

    /// <summary>The next so many bytes, at most a buffer's; valid until the next read.</summary>
    private ReadOnlySpan<byte> Peek(int length)
    {
        if (_end - _start < length)
        {
            Require(length <= Remaining, "It is too short.");
            _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
            _end -= _start;
            _start = 0;
            var read = file.Read(_read, _buffer.AsSpan(_end, SnapshotFormat.BufferLength - _end));
            _read += read;
            _end += read;
            Require(_end >= length, "It became shorter while it was read.");
        }
        return _buffer.AsSpan(_start, length);
    }

    private static void Require(bool condition, string fault) => SnapshotFormat.Require(condition, fault);
}
