using System.Buffers;
using System.Buffers.Binary;
using System.Runtime.InteropServices;
using EdgeCache.Storage.Local.Files;

namespace EdgeCache.Storage.Local.Index;

/// <summary>Writes the parts of a snapshot one after the other, in writes of up to 1 MiB.</summary>
internal sealed class SnapshotWriter(IStoreFile file) : IDisposable
{
    private readonly byte[] _buffer = ArrayPool<byte>.Shared.Rent(SnapshotFormat.BufferLength);
    private Crc32C _chain = Crc32C.Start();
    private int _buffered;
    private long _written;
    private ulong _entries;

    public void WriteHeader(SnapshotHeader header)
    {
        var tables = SnapshotFormat.EncodeTables(header);
        var prologue = Reserve(SnapshotFormat.PrologueLength);
        SnapshotFormat.EncodePrologue(prologue, header, tables);
        _chain.Append(prologue[^4..]);
        Flush();
        file.Write(_written, tables);
        _written += tables.Length;
    }

    public void WriteShard(int shard, ReadOnlySpan<IndexEntry> entries)
    {
        while (!entries.IsEmpty)
        {
            var count = Math.Min(entries.Length, SnapshotFormat.MaxBlockEntries);
            WriteBlock(shard, entries.Length, entries[..count]);
            entries = entries[count..];
        }
    }

    public void WriteTrailer()
    {
        var trailer = Reserve(SnapshotFormat.TrailerLength);
        SnapshotFormat.TrailerMagic.CopyTo(trailer);
        BinaryPrimitives.WriteUInt64LittleEndian(trailer[8..], _entries);
        BinaryPrimitives.WriteUInt32LittleEndian(trailer[16..], _chain.Value);
        BinaryPrimitives.WriteUInt32LittleEndian(trailer[20..], Crc32C.Of(trailer[..20]));
        Flush();
    }

    public void Dispose() => ArrayPool<byte>.Shared.Return(_buffer);

    private void WriteBlock(int shard, int leftInShard, ReadOnlySpan<IndexEntry> entries)
    {
        var block = Reserve(SnapshotFormat.BlockHeaderLength + (entries.Length * IndexEntry.Size));
        BinaryPrimitives.WriteUInt32LittleEndian(block, (uint)shard);
        BinaryPrimitives.WriteUInt32LittleEndian(block[4..], (uint)leftInShard);
        BinaryPrimitives.WriteUInt32LittleEndian(block[8..], (uint)entries.Length);
        MemoryMarshal.AsBytes(entries).CopyTo(block[SnapshotFormat.BlockHeaderLength..]);
        BinaryPrimitives.WriteUInt32LittleEndian(block[12..], SnapshotReader.BlockChecksum(block));
        _chain.Append(block.Slice(12, 4));
        _entries += (ulong)entries.Length;
    }

    /// <summary>The next so many bytes of the file, to be filled at once.</summary>
    private Span<byte> Reserve(int length)
    {
        if (_buffered + length > SnapshotFormat.BufferLength)
            Flush();
        var room = _buffer.AsSpan(_buffered, length);
        _buffered += length;
        return room;
    }

    private void Flush()
    {
        file.Write(_written, _buffer.AsSpan(0, _buffered));
        _written += _buffered;
        _buffered = 0;
    }
}
