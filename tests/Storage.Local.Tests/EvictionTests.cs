using EdgeCache.Storage.Local.Disk;
using EdgeCache.TestKit;

namespace EdgeCache.Storage.Local.Tests;

public sealed class EvictionTests : LocalStoreTest
{
    private const long MiB = 1 << 20;

    [Fact]
    public async Task The_limit_holds_in_allocated_bytes_while_many_write()
    {
        await using var store = await OpenAsync(2 * MiB);
        for (var round = 0; round < 15; round++)
        {
            var outcomes = await Task.WhenAll(Enumerable.Range(0, 16).Select(i => Task.Run(
                () => store.PutAsync(Blobs.Key($"{round}-{i}"), Blobs.Bytes(((round * 16) + i) * 401 % 90_000, seed: i)))));
            outcomes.ShouldAllBe(o => o.Status == StoreStatus.Ok);
            AllocatedOnDisk().ShouldBeLessThanOrEqualTo(2 * MiB);
        }
        store.State.Blobs.ShouldBeInRange(10, 239);
    }

    [Theory]
    [InlineData(2000)]
    [InlineData(50_000)]
    public async Task What_was_read_survives_and_what_was_never_read_goes_first(int length)
    {
        await using var store = await OpenAsync(MiB);
        // About what the store can hold, written, and a bit of it asked for.
        var count = (int)(MiB * 8 / 10 / length);
        for (var i = 0; i < count; i++)
            await store.PutAsync(Blobs.Key($"k{i}"), Blobs.Bytes(length, seed: i));
        await store.GetAsync(Blobs.Key("k0"));
        await store.StatAsync(Blobs.Key("k1"), Cancel);

        // As much again that nobody asks for.
        for (var i = 0; i < count; i++)
            (await store.PutAsync(Blobs.Key($"n{i}"), Blobs.Bytes(length, seed: i))).Status.ShouldBe(StoreStatus.Ok);

        (await store.GetAsync(Blobs.Key("k0"))).Content.ShouldBe(Blobs.Bytes(length, seed: 0));
        (await store.GetAsync(Blobs.Key("k1"))).Content.ShouldBe(Blobs.Bytes(length, seed: 1));
        var left = new List<string>();
        await foreach (var blob in store.ListAsync(new BlobPrefix("test"), Cancel))
            left.Add(blob.Key.Key);
        left.Count.ShouldBeLessThan(count + (count / 2));
        left.ShouldContain($"n{count - 1}", "the youngest goes last");
        left.Count(k => k[0] == 'k').ShouldBeLessThan(left.Count(k => k[0] == 'n'), "the oldest that nobody asked for goes first");
    }

    [Fact]
    public async Task What_is_only_moved_together_does_not_count_as_younger_than_what_came_after_it()
    {
        await using var store = await OpenAsync(8 * MiB);
        // Segments with little left in them, which are emptied by copying it.
        for (var i = 0; i < 1400; i++)
            await store.PutAsync(Blobs.Key($"old{i}"), Blobs.Bytes(4000, seed: i));
        for (var i = 0; i < 1400; i++)
        {
            if (i % 5 != 0)
                await store.DeleteAsync(Blobs.Key($"old{i}"), null, Cancel);
        }
        for (var i = 0; i < 10; i++)
            await store.PutAsync(Blobs.Key($"new{i}"), Blobs.Bytes(4000, seed: i));

        // So much that something must go besides.
        (await store.PutAsync(Blobs.Key("large"), Blobs.Bytes(6_600_000), new PutOptions { ExpectedLength = 6_600_000 })).Status.ShouldBe(StoreStatus.Ok);

        var left = new List<string>();
        await foreach (var blob in store.ListAsync(new BlobPrefix("test"), Cancel))
            left.Add(blob.Key.Key);
        left.Count(k => k.StartsWith("old", StringComparison.Ordinal)).ShouldBeInRange(10, 270, "something went, and not everything");
        left.Count(k => k.StartsWith("new", StringComparison.Ordinal)).ShouldBe(10, "the oldest goes first");
    }

    [Fact]
    public async Task A_reader_goes_on_reading_what_is_evicted()
    {
        await using var store = await OpenAsync(MiB);
        var content = Blobs.Bytes(400_000);
        await store.PutAsync(Blobs.Key("read"), content);
        await using var reader = (await store.OpenReadAsync(Blobs.Key("read"), ByteRange.Whole, Cancel)).Value.ShouldNotBeNull();
        for (var i = 0; i < 40; i++)
        {
            (await store.PutAsync(Blobs.Key($"k{i}"), Blobs.Bytes(200_000, seed: i))).Status.ShouldBe(StoreStatus.Ok);
            // What was asked for stays the longest; it goes only when others were asked for too.
            await store.TryGetAsync(Blobs.Key($"k{i}"));
        }
        (await store.StatAsync(Blobs.Key("read"), Cancel)).Status.ShouldBe(StoreStatus.Missing);
        var buffer = new byte[content.Length];
        await reader.ReadFullyAsync(0, buffer);
        buffer.AsSpan().SequenceEqual(content).ShouldBeTrue();
    }

    [Fact]
    public async Task A_blob_that_is_larger_than_the_store_has_no_space()
    {
        await using var store = await OpenAsync(MiB);
        await store.PutAsync(Blobs.Key("small"), Blobs.Bytes(10));
        (await store.OpenWriteAsync(Blobs.Key("announced"), new PutOptions { ExpectedLength = MiB }, Cancel)).Status.ShouldBe(StoreStatus.NoSpace);
        store.State.Blobs.ShouldBe(1, "nothing is evicted for what never fits");
        (await store.PutAsync(Blobs.Key("surprise"), Blobs.Bytes(2 << 20))).Status.ShouldBe(StoreStatus.NoSpace);
        (await store.PutAsync(Blobs.Key("next"), Blobs.Bytes(800_000))).Status.ShouldBe(StoreStatus.Ok);
    }

    [Fact]
    public async Task The_limit_counts_what_surrounds_the_content()
    {
        await using var store = await OpenAsync(MiB);
        for (var length = (int)MiB - 400; length <= MiB; length += 8)
        {
            await store.PutAsync(Blobs.Key("k"), new byte[length], new PutOptions { Replace = true });
            AllocatedOnDisk().ShouldBeLessThanOrEqualTo(MiB, $"length {length}");
            await store.DeleteAsync(Blobs.Key("k"), null, Cancel);
        }
    }

    [Fact]
    public async Task Room_is_made_for_one_write_that_is_larger_than_the_gap_between_the_marks()
    {
        await using var store = await OpenAsync(MiB);
        for (var i = 0; i < 8; i++)
            await store.PutAsync(Blobs.Key($"k{i}"), Blobs.Bytes(100_000, seed: i));
        await using var writer = (await store.OpenWriteAsync(Blobs.Key("large"), new PutOptions(), Cancel)).Value.ShouldNotBeNull();
        (await writer.WriteAsync(Blobs.Bytes(500_000), Cancel)).ShouldBe(StoreStatus.Ok);
        (await writer.CommitAsync(Cancel)).Status.ShouldBe(StoreStatus.Ok);
    }

    [Fact]
    public async Task One_file_that_can_not_be_removed_does_not_end_eviction()
    {
        var clock = Clock();
        await using var store = await OpenAsync(MiB, clock);
        await store.PutAsync(Blobs.Key("stuck"), Blobs.Bytes(10_000));
        var stuck = BlobFile();
        File.Delete(stuck);
        Directory.CreateDirectory(stuck);
        clock.Advance(TimeSpan.FromSeconds(1));
        for (var i = 0; i < 30; i++)
            (await store.PutAsync(Blobs.Key($"k{i}"), Blobs.Bytes(200_000, seed: i))).Status.ShouldBe(StoreStatus.Ok);
        Directory.Exists(stuck).ShouldBeTrue();
        AllocatedOnDisk().ShouldBeLessThanOrEqualTo(MiB);
    }

    [Fact]
    public async Task A_file_system_at_its_floor_takes_no_more_and_nothing_is_evicted_for_it()
    {
        await using (var store = await OpenAsync())
            await store.PutAsync(Blobs.Key("there"), Blobs.Bytes(1000));
        await using var full = await OpenAsync(Options with { MinFreeBytes = long.MaxValue / 2 });
        (await full.PutAsync(Blobs.Key("new"), Blobs.Bytes(10))).Status.ShouldBe(StoreStatus.NoSpace);
        full.State.Blobs.ShouldBe(1);
        (await full.GetAsync(Blobs.Key("there"))).Content.Length.ShouldBe(1000);
        (await full.DeleteAsync(Blobs.Key("there"), null, Cancel)).Status.ShouldBe(StoreStatus.Ok);
    }

    [Fact]
    public async Task The_account_is_what_is_on_disk_whatever_happens_and_after_every_start()
    {
        using var copy = new TestFolder();
        var keys = Enumerable.Range(0, 24).Select(i => Blobs.Key($"k{i}")).ToArray();
        await using (var store = await OpenAsync(4 * MiB))
        {
            await Task.WhenAll(keys.Select((key, i) => Task.Run(async () =>
            {
                await store.PutAsync(key, Blobs.Bytes(i * 3000, seed: i));
                await store.PutAsync(key, Blobs.Bytes(i * 2000, seed: i), new PutOptions { Replace = true });
                await store.PutAsync(key, Blobs.Bytes(i * 1000, seed: i));
                await store.PutAsync(key, Blobs.Bytes(300_000), new PutOptions { MaxLength = 299_999 });
            })));
            await ShouldCountWhatIsOnDiskAsync(store, "after writes");
            await store.WriteSnapshotAsync();
            // Deleted in place, behind the snapshot's back.
            foreach (var key in keys.Skip(12))
                await store.DeleteAsync(key, null, Cancel);
            CopyAway(copy.Path);
        }
        Restore(copy.Path);
        await using (var again = await OpenAsync(4 * MiB))
        {
            await again.Swept;
            await ShouldCountWhatIsOnDiskAsync(again, "after a start from a snapshot that knows of blobs that were deleted since");
            await Task.WhenAll(keys.Select(key => Task.Run(() => again.DeleteAsync(key, null, Cancel).AsTask())));
            again.State.Blobs.ShouldBe(0);
            BlobFiles().ShouldBeEmpty();
            await again.Internals.Log.SealAsync(Segments.SegmentClass.Probation);
            (await again.PutAsync(Blobs.Key("all-of-it"), Blobs.Bytes((int)(4 * MiB) - 5000))).Status
                .ShouldBe(StoreStatus.Ok, $"nothing is left reserved or in use: {again.State} {string.Join(' ', again.Internals.Segments.List().Select(s => $"{s.Id} {s.Class} {s.Length} {s.LiveBytes} {s.IsSealed}"))}");
            await ShouldCountWhatIsOnDiskAsync(again, "when it is full");
        }
        await using var third = await OpenAsync(4 * MiB);
        await third.Swept;
        await ShouldCountWhatIsOnDiskAsync(third, "after another start");
    }

    /// <summary>What a kill in this instant would leave.</summary>
    private void CopyAway(string copy)
    {
        foreach (var file in Directory.GetFiles(Root, "*", SearchOption.AllDirectories).Where(f => Path.GetFileName(f) != "LOCK"))
        {
            var to = Path.Combine(copy, Path.GetRelativePath(Root, file));
            Directory.CreateDirectory(Path.GetDirectoryName(to)!);
            try
            {
                File.Copy(file, to);
            }
            catch (FileNotFoundException)
            {
                // A segment in which nothing was left, removed in this instant.
            }
        }
    }

    private void Restore(string copy)
    {
        foreach (var file in Directory.GetFiles(Root, "*", SearchOption.AllDirectories))
            File.Delete(file);
        foreach (var file in Directory.GetFiles(copy, "*", SearchOption.AllDirectories))
            File.Copy(file, Path.Combine(Root, Path.GetRelativePath(copy, file)));
    }

    /// <summary>Segments in which nothing is left go in the background, and are on disk or in the account an instant longer. At rest both are the same.</summary>
    private async Task ShouldCountWhatIsOnDiskAsync(LocalStore store, string when)
    {
        try
        {
            await Eventually.TrueAsync(() => store.State.UsedBytes == OnDisk(), TimeSpan.FromSeconds(10), when);
        }
        catch (TimeoutException)
        {
            store.State.UsedBytes.ShouldBe(OnDisk(), when);
        }
    }

    private long OnDisk() => AllocatedOnDisk() + new DirectoryInfo(SegmentsFolder).EnumerateFiles().Sum(f => f.Exists ? f.Length : 0);

    private long AllocatedOnDisk()
    {
        var sum = 0L;
        foreach (var path in BlobFiles())
        {
            try
            {
                using var file = File.OpenHandle(path);
                sum += Posix.GetAllocatedBytes(file);
            }
            catch (FileNotFoundException)
            {
                // Evicted in this instant.
            }
        }
        return sum;
    }
}
