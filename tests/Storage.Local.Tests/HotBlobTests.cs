using System.Buffers.Binary;
using EdgeCache.TestKit;

namespace EdgeCache.Storage.Local.Tests;

/// <summary>What is asked for often is served from memory, and never longer than it is the truth.</summary>
public sealed class HotBlobTests : LocalStoreTest
{
    private const int Asked = 3;

    [Theory]
    [InlineData(0)]
    [InlineData(4000)]
    [InlineData(16_384)]
    public async Task The_third_read_of_a_small_blob_makes_no_call_to_the_disk(int length)
    {
        var files = new WatchedFiles(Root);
        await using var store = await files.OpenStoreAsync(Options);
        await store.PutAsync(Blobs.Key("hot"), Blobs.Bytes(length));
        await store.GetAsync(Blobs.Key("hot"));
        store.State.MemoryTier.Blobs.ShouldBe(0, "once is not often");
        await store.GetAsync(Blobs.Key("hot"));
        store.State.MemoryTier.Blobs.ShouldBe(1);
        var before = files.Reads;

        (await store.GetAsync(Blobs.Key("hot"))).Content.ShouldBe(Blobs.Bytes(length));
        (await store.StatAsync(Blobs.Key("hot"), Cancel)).Value.ShouldNotBeNull().Length.ShouldBe(length);

        files.Reads.ShouldBe(before);
        store.State.MemoryTier.Hits.ShouldBe(1);
        store.State.MemoryTier.HitBytes.ShouldBe(length);
    }

    [Fact]
    public async Task A_longer_blob_of_the_log_takes_no_room_in_memory_and_a_later_read_of_it_makes_one_call()
    {
        var files = new WatchedFiles(Root);
        await using var store = await files.OpenStoreAsync(Options);
        await store.PutAsync(Blobs.Key("hot"), Blobs.Bytes(32_000));
        for (var i = 0; i < 5; i++)
            (await store.GetAsync(Blobs.Key("hot"))).Content.ShouldBe(Blobs.Bytes(32_000));
        store.State.MemoryTier.Blobs.ShouldBe(0);
        await using var reader = (await store.OpenReadAsync(Blobs.Key("hot"), ByteRange.Whole, Cancel)).Value.ShouldNotBeNull();
        var before = files.Reads;
        var content = new byte[32_000];
        (await reader.ReadAsync(0, content, Cancel)).ShouldBe(32_000);
        content.ShouldBe(Blobs.Bytes(32_000));
        files.Reads.ShouldBe(before + 1);
        await using (var other = (await store.OpenReadAsync(Blobs.Key("hot"), ByteRange.Whole, Cancel)).Value.ShouldNotBeNull())
            files.Reads.ShouldBe(before + 1, "its header is known");

        // Whoever reads goes on, whatever becomes of the blob; nobody else gets it.
        await store.DeleteAsync(Blobs.Key("hot"), null, Cancel);
        (await store.TryGetAsync(Blobs.Key("hot"))).ShouldBeNull();
        content.AsSpan().Clear();
        (await reader.ReadAsync(0, content, Cancel)).ShouldBe(32_000);
        content.ShouldBe(Blobs.Bytes(32_000));
    }

    [Theory]
    [InlineData(32_000)]
    [InlineData(200_000)]
    public async Task What_the_system_has_in_memory_is_offered_as_a_part_of_a_file_once_it_is_known_to_be_good(int length)
    {
        await using var store = await OpenAsync();
        var key = Blobs.Key("hot");
        await store.PutAsync(key, Blobs.Bytes(length));
        await using (var first = (await store.OpenReadAsync(key, ByteRange.Whole, Cancel)).Value.ShouldNotBeNull())
        {
            first.TryGetFile(0, length, out _, out _).ShouldBeFalse("nobody has held it against its checksums");
            await first.ReadFullyAsync(0, new byte[length]);
        }
        await using var reader = (await store.OpenReadAsync(key, ByteRange.Whole, Cancel)).Value.ShouldNotBeNull();
        reader.TryGetFile(1, length, out _, out _).ShouldBeFalse("that is more than there is");
        Assert.SkipUnless(reader.TryGetFile(100, length - 100, out var file, out var position), "This system can't tell what it has in memory.");
        var content = new byte[length - 100];
        RandomAccess.Read(file!, content, position).ShouldBe(content.Length);
        content.ShouldBe(Blobs.Bytes(length)[100..]);
        await store.DeleteAsync(key, null, Cancel);
        RandomAccess.Read(file!, content, position).ShouldBe(content.Length, "the file is open for whoever reads it");
    }

    [Fact]
    public async Task A_hit_in_memory_allocates_nothing()
    {
        await using var store = await OpenAsync();
        var key = Blobs.Key("hot");
        await store.PutAsync(key, Blobs.Bytes(4096));
        for (var i = 0; i < Asked; i++)
            await store.GetAsync(key);
        var buffer = new byte[4096];
        var before = 0L;
        for (var i = 0; i < 1001; i++)
        {
            // The first round may do things for the first time. Nothing here waits, so it all happens on this thread.
            if (i == 1)
                before = GC.GetAllocatedBytesForCurrentThread();
            var opened = await store.OpenReadAsync(key, ByteRange.Whole, Cancel);
            await using var reader = opened.Value!;
            await reader.ReadAsync(0, buffer, Cancel);
        }
        (GC.GetAllocatedBytesForCurrentThread() - before).ShouldBeLessThan(1000, "not even a byte a hit");
        buffer.ShouldBe(Blobs.Bytes(4096));
    }

    [Fact]
    public async Task The_memory_of_a_hit_is_the_content_and_stays_so_while_the_blob_goes()
    {
        await using var store = await OpenAsync();
        var key = Blobs.Key("hot");
        await store.PutAsync(key, Blobs.Bytes(4000));
        for (var i = 0; i < Asked; i++)
            await store.GetAsync(key);
        await using var reader = (await store.OpenReadAsync(key, ByteRange.Whole, Cancel)).Value.ShouldNotBeNull();
        reader.TryGetMemory(out var memory).ShouldBeTrue();
        await store.DeleteAsync(key, null, Cancel);
        for (var i = 0; i < 50; i++)
            await store.PutAsync(Blobs.Key($"other{i}"), Blobs.Bytes(4000, seed: i));
        memory.ToArray().ShouldBe(Blobs.Bytes(4000));
        store.State.MemoryTier.Blobs.ShouldBe(0, "its room is free at once");
    }

    [Fact]
    public async Task A_tier_of_0_bytes_holds_nothing()
    {
        await using var store = await OpenAsync(Options with { MemoryTierBytes = 0 });
        await store.PutAsync(Blobs.Key("hot"), Blobs.Bytes(4000));
        for (var i = 0; i < 5; i++)
            (await store.GetAsync(Blobs.Key("hot"))).Content.ShouldBe(Blobs.Bytes(4000));
        store.State.MemoryTier.ShouldBe(default);
    }

    [Fact]
    public async Task A_large_blob_that_is_asked_for_often_stays_open_until_it_is_deleted()
    {
        var files = new WatchedFiles(Root);
        await using var store = await files.OpenStoreAsync(Options);
        await store.PutAsync(Blobs.Key("hot"), Blobs.Bytes(200_000));
        for (var i = 0; i < Asked; i++)
            await store.GetAsync(Blobs.Key("hot"));
        var before = files.Opens;
        (await store.GetAsync(Blobs.Key("hot"))).Content.ShouldBe(Blobs.Bytes(200_000));
        files.Opens.ShouldBe(before);
        OpenBlobs().ShouldBe(1);

        await store.DeleteAsync(Blobs.Key("hot"), null, Cancel);
        OpenBlobs().ShouldBe(0, "a removed file that is open still takes its space");

        int OpenBlobs() => files.OpenNow.Where(f => f.Key.Contains("/blobs/", StringComparison.Ordinal)).Sum(f => f.Value);
    }

    [Fact]
    public async Task Files_that_were_kept_open_are_closed_when_their_blobs_are_replaced_and_when_the_store_is_closed()
    {
        var files = new WatchedFiles(Root);
        var store = await files.OpenStoreAsync(Options);
        for (var version = 0; version < 4; version++)
        {
            foreach (var name in new[] { "a", "b" })
            {
                await store.PutAsync(Blobs.Key(name), Blobs.Bytes(100_000, seed: version), new PutOptions { Replace = true });
                for (var i = 0; i < Asked; i++)
                    (await store.GetAsync(Blobs.Key(name))).Content.ShouldBe(Blobs.Bytes(100_000, seed: version));
            }
            files.OpenNow.Where(f => f.Key.Contains("/blobs/", StringComparison.Ordinal)).Sum(f => f.Value).ShouldBeLessThanOrEqualTo(2);
        }
        await store.DisposeAsync();
        files.OpenNow.Values.Sum().ShouldBe(0);
    }

    [Theory]
    [InlineData(4000)]
    [InlineData(100_000)]
    public async Task A_closed_store_serves_nothing_out_of_memory(int length)
    {
        var store = await OpenAsync();
        await store.PutAsync(Blobs.Key("hot"), Blobs.Bytes(length));
        for (var i = 0; i < Asked; i++)
            await store.GetAsync(Blobs.Key("hot"));
        await store.DisposeAsync();
        (await store.TryGetAsync(Blobs.Key("hot"))).ShouldBeNull("the folder may be another's by now, and the blob replaced there");
    }

    [Fact]
    public async Task An_equal_put_is_not_acknowledged_on_the_strength_of_memory()
    {
        await using var store = await OpenAsync();
        await store.PutAsync(Blobs.Key("hot"), Blobs.Bytes(4000));
        for (var i = 0; i < Asked; i++)
            await store.GetAsync(Blobs.Key("hot"));
        // Not only its payload: that was verified, and is believed for a while.
        await FlipAsync(SegmentFile(), FileReadingOffset());
        (await store.PutAsync(Blobs.Key("hot"), Blobs.Bytes(4000))).Value.ShouldNotBeNull().Effect.ShouldBe(PutEffect.Created);

        int FileReadingOffset() => Format.FileReading.Records(SegmentFile())[0].Offset + 33;
    }

    [Theory]
    [InlineData(500, 4_000)]
    [InlineData(70_000, 500)]
    public async Task After_a_change_was_acknowledged_no_reader_sees_what_was_before_it(int length, int changes)
    {
        var files = new WatchedFiles(Root);
        await using var store = await files.OpenStoreAsync(Options with { MaxBytes = 256 << 20 });
        var key = Blobs.Key("raced");
        var (begun, acknowledged) = (0, 0);
        using var stop = new CancellationTokenSource();
        var readers = Enumerable.Range(0, 2).Select(_ => Task.Run(async () =>
        {
            while (!stop.IsCancellationRequested)
            {
                var from = Volatile.Read(ref acknowledged);
                var version = Version(await store.TryGetAsync(key));
                Check(version, from, Volatile.Read(ref begun));
            }
        })).ToArray();
        for (var change = 1; change <= changes && !readers.Any(r => r.IsCompleted); change++)
        {
            Volatile.Write(ref begun, change);
            if (IsDelete(change))
                (await store.DeleteAsync(key, null, Cancel)).IsOk.ShouldBeTrue();
            else
                (await store.PutAsync(key, Content(change, length), new PutOptions { Replace = true })).IsOk.ShouldBeTrue();
            Volatile.Write(ref acknowledged, change);
            // Often enough that it gets into memory.
            for (var i = 0; i < Asked; i++)
                Version(await store.TryGetAsync(key)).ShouldBe(IsDelete(change) ? 0 : change);
        }
        await stop.CancelAsync();
        await Task.WhenAll(readers);
        if (length <= 64 * 1024)
            store.State.MemoryTier.Hits.ShouldBeGreaterThan(changes / 2, "the test is about these");

        static bool IsDelete(int change) => change % 7 == 0;

        static void Check(int version, int from, int to)
        {
            if (version > 0)
                version.ShouldBeInRange(from, to);
            else if (from > 0)
                Enumerable.Range(from, to - from + 1).Any(IsDelete).ShouldBeTrue($"missing, between {from} and {to}");
        }
    }

    private static byte[] Content(int version, int length)
    {
        var content = new byte[length + (version % 8)];
        content.AsSpan().Fill((byte)version);
        BinaryPrimitives.WriteInt32LittleEndian(content, version);
        return content;
    }

    /// <summary>Which version was read, whole; 0 for none.</summary>
    private static int Version((byte[] Content, BlobMetadata Metadata)? read)
    {
        if (read is not { } blob)
            return 0;
        var version = BinaryPrimitives.ReadInt32LittleEndian(blob.Content);
        blob.Content.AsSpan(sizeof(int)).ContainsAnyExcept((byte)version).ShouldBeFalse("bytes of two versions");
        blob.Metadata.Length.ShouldBe(blob.Content.Length);
        return version;
    }
}
