using System.Buffers.Binary;
using EdgeCache.Storage.Local.Index;

namespace EdgeCache.Storage.Local.Tests.Index;

/// <summary>A snapshot with anything wrong in it is none.</summary>
public sealed class DamagedSnapshotTests
{
    private const string Snapshot = "/store/index";
    private static readonly Guid StoreId = new("00112233-4455-6677-8899-aabbccddeeff");

    private readonly SnapshotFiles _files = new();
    private readonly byte[] _good;

    public DamagedSnapshotTests()
    {
        var index = new BlobIndex();
        foreach (var shard in (ulong[])[0, 0, 3, 255])
            index.Set(Entries.Of(new KeyHash(shard * 99, (shard << 56) + (ulong)index.Count), 1) with { NamespaceId = 1 });
        _good = Write(index);
    }

    private static SnapshotHeader Header => new()
    {
        StoreId = StoreId,
        NextGeneration = 5,
        Segments = [new(1, 0, 100), new(2, 1, 200)],
        Namespaces = new Dictionary<ushort, string> { [1] = "one", [2] = "two" },
    };

    [Fact]
    public void Any_bit_flipped_is_noticed()
    {
        Read(_good).ShouldBeNull();
        for (var bit = 0; bit < _good.Length * 8; bit++)
        {
            _good[bit / 8] ^= (byte)(1 << (bit % 8));
            Read(_good).ShouldNotBeNull($"bit {bit}");
            _good[bit / 8] ^= (byte)(1 << (bit % 8));
        }
    }

    [Fact]
    public void Any_byte_replaced_is_noticed()
    {
        for (var i = 0; i < _good.Length; i++)
        {
            foreach (var other in (byte[])[0, 255])
            {
                var was = _good[i];
                _good[i] = other;
                if (was != other)
                    Read(_good).ShouldNotBeNull($"byte {i}");
                _good[i] = was;
            }
        }
    }

    [Fact]
    public void Any_other_length_is_noticed()
    {
        for (var length = 0; length < _good.Length; length++)
            Read(_good[..length]).ShouldNotBeNull($"length {length}");
        foreach (var more in (int[])[1, 7, 8, 24, 4096])
            Read([.. _good, .. new byte[more]]).ShouldNotBeNull($"{more} zeros more");
        Read([.. _good, .. _good]).ShouldNotBeNull();
        Read([.. _good, .. _good[^24..]]).ShouldNotBeNull();
    }

    [Fact]
    public void A_file_of_noise_is_none()
    {
        var random = new Random(5);
        for (var i = 0; i < 2000; i++)
        {
            var noise = new byte[random.Next(3000)];
            random.NextBytes(noise);
            // With the beginning of a real one, the rest is looked at too.
            _good.AsSpan(0, Math.Min(random.Next(_good.Length), noise.Length)).CopyTo(noise);
            Read(noise).ShouldNotBeNull();
        }
    }

    [Fact]
    public void Parts_of_two_snapshots_make_none()
    {
        var other = Write(new BlobIndex());
        Read([.. other[..^24], .. _good[^24..]]).ShouldNotBeNull();
        // The blocks of one behind the header of another.
        Read([.. other[..^24], .. _good.AsSpan(other.Length - 24)]).ShouldBeNull("the headers are the same");
        var moved = Write(new BlobIndex(), Header with { NextGeneration = 6 });
        Read([.. moved[..^24], .. _good.AsSpan(moved.Length - 24)]).ShouldNotBeNull();
    }

    [Fact]
    public void Another_stores_snapshot_is_none()
    {
        _files.Files[Snapshot] = new MemoryStream(_good);
        IndexSnapshot.TryRead(_files, Snapshot, Guid.Empty, out var fault).ShouldBeNull();
        fault.ShouldBe("It belongs to another store.");
    }

    [Fact]
    public void No_snapshot_is_no_fault()
    {
        _files.Files.Clear();
        IndexSnapshot.TryRead(_files, Snapshot, StoreId, out var fault).ShouldBeNull();
        fault.ShouldBeNull();
    }

    /// <summary>Checksums are right and the content is not: what a bug or a hostile hand would write.</summary>
    [Theory]
    [InlineData(24, 0u)] // no length
    [InlineData(36, 0x0400_0001u)] // frequency: the last byte of the word
    [InlineData(36, 3u)] // a namespace without a name
    [InlineData(12, 0x0100_0000u)] // another shard's hash
    public void An_entry_that_makes_no_sense_is_refused_though_its_checksum_is_right(int field, uint value)
    {
        var block = BlockStart;
        BinaryPrimitives.WriteUInt32LittleEndian(_good.AsSpan(block + SnapshotFormat.BlockHeaderLength + field), value);
        Seal(block, 2);
        Read(_good).ShouldBe("An entry makes no sense.");
    }

    [Fact]
    public void A_key_that_is_there_twice_is_refused()
    {
        var first = BlockStart + SnapshotFormat.BlockHeaderLength;
        _good.AsSpan(first, IndexEntry.Size).CopyTo(_good.AsSpan(first + IndexEntry.Size));
        Seal(BlockStart, 2);
        Read(_good).ShouldBe("An entry is there twice.");
    }

    [Theory]
    [InlineData(4, uint.MaxValue, "It ends within a shard.")]
    [InlineData(4, 1_000_000u, "It ends within a shard.")]
    [InlineData(4, 1u, "A block makes no sense.")]
    [InlineData(0, 256u, "A block makes no sense.")]
    [InlineData(8, uint.MaxValue, "A block has an impossible length.")]
    [InlineData(8, 0u, "A block has an impossible length.")]
    [InlineData(8, 20_000u, "It is too short.")]
    public void A_count_is_not_believed_beyond_the_files_length(int field, uint value, string fault)
    {
        var allocated = GC.GetAllocatedBytesForCurrentThread();
        BinaryPrimitives.WriteUInt32LittleEndian(_good.AsSpan(BlockStart + field), value);
        Seal(BlockStart, 2);
        Read(_good).ShouldBe(fault);
        (GC.GetAllocatedBytesForCurrentThread() - allocated).ShouldBeLessThan(4 << 20);
    }

    private static int BlockStart => SnapshotFormat.PrologueLength + SnapshotFormat.EncodeTables(Header).Length;

    private void Seal(int block, int entries) => BinaryPrimitives.WriteUInt32LittleEndian(
        _good.AsSpan(block + 12), SnapshotReader.BlockChecksum(_good.AsSpan(block, SnapshotFormat.BlockHeaderLength + (entries * IndexEntry.Size))));

    private byte[] Write(BlobIndex index, SnapshotHeader? header = null)
    {
        IndexSnapshot.Write(_files, Snapshot, index, header ?? Header, () => { });
        return _files.Files[Snapshot].ToArray();
    }

    /// <summary>Null when the snapshot is believed, else why not.</summary>
    private string? Read(byte[] content)
    {
        _files.Files[Snapshot] = new MemoryStream(content);
        var result = IndexSnapshot.TryRead(_files, Snapshot, StoreId, out var fault);
        result.HasValue.ShouldBe(fault is null);
        return fault;
    }
}
