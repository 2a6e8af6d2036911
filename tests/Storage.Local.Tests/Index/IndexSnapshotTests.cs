using EdgeCache.Storage.Local.Index;

namespace EdgeCache.Storage.Local.Tests.Index;

public sealed class IndexSnapshotTests
{
    private const string Snapshot = "/store/index";
    private static readonly Guid StoreId = new("00112233-4455-6677-8899-aabbccddeeff");

    private readonly SnapshotFiles _files = new();

    private static SnapshotHeader Header => new()
    {
        StoreId = StoreId,
        NextGeneration = ulong.MaxValue,
        Segments = [new(7, 1, 64L << 20), new(0, 0, 0), new(uint.MaxValue, 255, long.MaxValue)],
        Namespaces = Enumerable.Range(0, 1000).ToDictionary(i => (ushort)i, i => $"name-{i}"),
    };

    [Theory]
    [InlineData(0, false)]
    [InlineData(1, false)]
    [InlineData(100_000, false)]
    [InlineData(60_000, true)]
    public void What_was_written_is_read_but_nothing_counts_as_verified_any_more(int count, bool oneShard)
    {
        var index = Fill(count, oneShard);
        IndexSnapshot.Write(_files, Snapshot, index, Header, () => { });

        var (header, read) = IndexSnapshot.TryRead(_files, Snapshot, StoreId, out var fault).ShouldNotBeNull();
        fault.ShouldBeNull();
        header.StoreId.ShouldBe(StoreId);
        header.NextGeneration.ShouldBe(ulong.MaxValue);
        header.Segments.ShouldBe(Header.Segments);
        header.Namespaces.ShouldBe(Header.Namespaces);
        read.Count.ShouldBe(count);
        foreach (var entry in Entries.AllOf(index))
            (read.TryGet(entry.Hash, out var found) && Entries.AreSame(found, entry with { Flags = entry.Flags & ~EntryFlags.Verified })).ShouldBeTrue();
        for (ushort id = 0; id < 1000; id++)
            read.BytesOf(id).ShouldBe(index.BytesOf(id));
    }

    [Fact]
    public void Many_segments_and_namespaces_make_tables_longer_than_a_buffer()
    {
        var large = Header with
        {
            Segments = [.. Enumerable.Range(0, 100_000).Select(i => new SegmentPosition((uint)i, (byte)(i % 2), i * 3L))],
            Namespaces = Enumerable.Range(0, 65_536).ToDictionary(i => (ushort)i, i => $"a-name-of-middling-length-{i}"),
        };
        IndexSnapshot.Write(_files, Snapshot, Fill(10), large, () => { });

        var (header, read) = IndexSnapshot.TryRead(_files, Snapshot, StoreId, out _).ShouldNotBeNull();
        header.Segments.ShouldBe(large.Segments);
        header.Namespaces.ShouldBe(large.Namespaces);
        read.Count.ShouldBe(10);
    }

    [Fact]
    public void Entries_of_a_namespace_that_came_later_are_left_to_the_log()
    {
        var index = Fill(100);
        index.Set(Entries.Of(new KeyHash(5, 5), 1) with { NamespaceId = 1000 });
        IndexSnapshot.Write(_files, Snapshot, index, Header, () => { });

        IndexSnapshot.TryRead(_files, Snapshot, StoreId, out _).ShouldNotBeNull().Index.Count.ShouldBe(100);
        index.Count.ShouldBe(101);
    }

    [Fact]
    public void The_log_and_the_file_are_durable_before_the_name_is_given()
    {
        IndexSnapshot.Write(_files, Snapshot, Fill(10), Header, () => _files.Note("sync the log"));
        _files.Calls.ShouldBe(
            ["create /store/index.new", "write /store/index.new", "sync the log", "sync /store/index.new", "rename /store/index.new /store/index", "sync /store"]);
    }

    [Theory]
    [InlineData("create /store/index.new")]
    [InlineData("write /store/index.new")]
    [InlineData("sync the log")]
    [InlineData("sync /store/index.new")]
    [InlineData("rename /store/index.new /store/index")]
    public void When_a_step_fails_the_snapshot_of_before_stays_and_the_next_is_written(string step)
    {
        IndexSnapshot.Write(_files, Snapshot, Fill(10), Header, () => { });
        _files.Failing = step;
        Should.Throw<IOException>(() => IndexSnapshot.Write(_files, Snapshot, Fill(20), Header, () => _files.Note("sync the log")));
        _files.Files.Keys.ShouldBe([Snapshot]);
        IndexSnapshot.TryRead(_files, Snapshot, StoreId, out _).ShouldNotBeNull().Index.Count.ShouldBe(10);

        _files.Failing = null;
        _files.Files[Snapshot + ".new"] = new MemoryStream([1, 2, 3]);
        IndexSnapshot.Write(_files, Snapshot, Fill(20), Header, () => { });
        IndexSnapshot.TryRead(_files, Snapshot, StoreId, out _).ShouldNotBeNull().Index.Count.ShouldBe(20);
    }

    [Fact]
    public async Task A_snapshot_taken_while_others_write_is_sound_and_has_what_did_not_change()
    {
        var index = Fill(20_000);
        var stable = Entries.AllOf(index);
        using var stop = new CancellationTokenSource();
        var writer = Task.Factory.StartNew(() => Churn(index, stop.Token), TaskCreationOptions.LongRunning);
        for (var round = 0; round < 10; round++)
        {
            IndexSnapshot.Write(_files, Snapshot, index, Header, () => { });
            var (_, read) = IndexSnapshot.TryRead(_files, Snapshot, StoreId, out _).ShouldNotBeNull();
            stable.Count(e => read.TryGet(e.Hash, out var found) && Entries.AreSame(found, e with { Flags = e.Flags & ~EntryFlags.Verified })).ShouldBe(stable.Count);
            Entries.AllOf(read).ShouldAllBe(e => Entries.IsWhole(AsWritten(e)));
        }
        await stop.CancelAsync();
        await writer;
    }

    private static void Churn(BlobIndex index, CancellationToken stop)
    {
        var random = new Random(99);
        for (var i = 1u; !stop.IsCancellationRequested; i++)
        {
            var hash = new KeyHash((ulong)random.Next(5000) << 40, (ulong)random.Next(256) << 56);
            if (i % 3 > 0)
                index.Set(Entries.Of(hash, i));
            else if (index.TryGet(hash, out var entry))
                index.Remove(hash, entry.Segment, entry.Offset, out _);
        }
    }

    private static BlobIndex Fill(int count, bool oneShard = false)
    {
        var index = new BlobIndex();
        var random = new Random(count);
        for (var i = 0; i < count; i++)
        {
            var hash = Entries.Random(random);
            index.Set(Entries.Of(oneShard ? hash with { High = hash.High >> 8 } : hash, (uint)i) with { Frequency = (byte)(i % 4) });
        }
        return index;
    }

    /// <summary>The entry with the flag that a snapshot does not bring back.</summary>
    private static IndexEntry AsWritten(IndexEntry read) => read with { Flags = read.Flags | (Entries.Of(read.Hash, read.Segment).Flags & EntryFlags.Verified) };
}
