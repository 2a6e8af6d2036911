using EdgeCache.Storage.Local.Disk;
using EdgeCache.Storage.Local.Segments;
using EdgeCache.Storage.Local.Tests.Simulation;
using EdgeCache.TestKit;
using Microsoft.Extensions.Logging.Abstractions;

namespace EdgeCache.Storage.Local.Tests;

/// <summary>What becomes of the blobs of a segment that is emptied.</summary>
public sealed class EmptyingTests : EngineTest
{
    [Fact]
    public async Task On_a_full_file_system_what_would_be_copied_is_evicted()
    {
        var layout = new StoreLayout("/store");
        var disk = new SimulatedDisk(layout.Folders());
        var options = Options with { Path = "/store", MaxBytes = 4 << 20 };
        await using var store = await LocalStore.OpenAsync(options, layout, disk, null, (Secret, StoreMarker.Format), TimeProvider.System, NullLogger.Instance);
        for (var i = 0; i < 20; i++)
            await store.PutAsync(Blobs.Key($"k{i}"), Blobs.Bytes(i % 5 == 0 ? 20_000 : 2000, seed: i));
        for (var i = 0; i < 20; i += 3)
            await store.GetAsync(Blobs.Key($"k{i}"));
        await SealAsync(store);
        var freed = 0L;
        foreach (var segment in store.Internals.Segments.List())
        {
            // What one segment frees, the next would be copied to.
            disk.FreeBytes = 0;
            (await store.EmptyAsync(segment, keepAll: false)).ShouldBe(EmptyResult.Removed);
            freed += disk.FreeBytes;
        }
        freed.ShouldBeGreaterThan(4 * 20_000);
        store.State.Blobs.ShouldBe(0);
        store.State.UsedBytes.ShouldBe(0);

        // What the last segment freed may be too little for a new one.
        disk.FreeBytes = 1 << 30;
        await Eventually.TrueAsync(async () => (await store.PutAsync(Blobs.Key("new"), Blobs.Bytes(100))).IsOk, TimeSpan.FromSeconds(20), "the store takes blobs again");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task What_was_damaged_since_it_was_read_is_not_copied(bool isHeader)
    {
        await using var store = await OpenAsync(Files());
        var (key, content) = (Blobs.Key("k"), Blobs.Bytes(5000));
        await store.PutAsync(key, content);
        await store.PutAsync(Blobs.Key("good"), content);
        await store.GetAsync(key);
        Overwrite(SegmentFile(), Segment.HeaderLength + (isHeader ? 17 : 3000), 0xAA, 0x55, 0xAA);
        await SealAsync(store);
        (await store.EmptyAsync(Youngest(store), keepAll: true)).ShouldBe(EmptyResult.Removed);
        (await store.TryGetAsync(key)).ShouldBeNull();
        (await store.GetAsync(Blobs.Key("good"))).Content.ShouldBe(content);
        store.State.Blobs.ShouldBe(1);
        if (!isHeader)
            Logger.Messages.ShouldContain(m => m.Contains("damaged on disk"));
    }

    [Fact]
    public async Task A_copy_has_to_be_verified_again()
    {
        await using var store = await OpenAsync(Files());
        var (key, content) = (Blobs.Key("k"), Blobs.Bytes(5000));
        await store.PutAsync(key, content);
        await store.GetAsync(key);
        await SealAsync(store);
        await store.EmptyAsync(Youngest(store), keepAll: true);
        Overwrite(SegmentFile(), Segment.HeaderLength + 3000, 0xAA, 0x55, 0xAA);
        (await store.TryGetAsync(key)).ShouldBeNull();
    }

    [Fact]
    public async Task A_large_blob_whose_record_is_damaged_leaves_no_file_behind()
    {
        await using var store = await OpenAsync(Files());
        await store.PutAsync(Blobs.Key("k"), Blobs.Bytes(200_000));
        await store.PutAsync(Blobs.Key("good"), Blobs.Bytes(200_000));
        var files = BlobFiles();
        Overwrite(SegmentFile(), Segment.HeaderLength + 60, 0xAA, 0x55, 0xAA);
        (await store.TryGetAsync(Blobs.Key("k"))).ShouldBeNull();
        BlobFiles().Length.ShouldBe(1);
        files.ShouldContain(BlobFile());
        Directory.GetFiles(QuarantineFolder).Length.ShouldBe(1);
        (await store.GetAsync(Blobs.Key("good"))).Content.Length.ShouldBe(200_000);
        (await store.PutAsync(Blobs.Key("k"), Blobs.Bytes(200_000))).Status.ShouldBe(StoreStatus.Ok);
    }

    [Fact]
    public async Task Evicted_large_blobs_share_a_sync()
    {
        var files = Files();
        await using var store = await OpenAsync(files);
        for (var i = 0; i < 30; i++)
            await store.PutAsync(Blobs.Key($"k{i}"), Blobs.Bytes(100_000, seed: i));
        await SealAsync(store);
        var (segment, syncs) = (Youngest(store), 0);
        files.OnSync = path => Interlocked.Add(ref syncs, path.EndsWith(".seg", StringComparison.Ordinal) ? 1 : 0);
        // Not one file goes before the marks are synced.
        files.OnDelete = path => (syncs > 0).ShouldBeTrue(path);
        (await store.EmptyAsync(segment, keepAll: false)).ShouldBe(EmptyResult.Removed);
        syncs.ShouldBeLessThan(4);
        BlobFiles().ShouldBeEmpty();
        store.State.UsedBytes.ShouldBe(0);
    }

    [Fact]
    public async Task A_segment_whose_name_comes_back_brings_nothing_back_that_was_evicted_from_it()
    {
        var files = Files();
        byte[]? left = null;
        string? name = null;
        await using (var store = await OpenAsync(files))
        {
            await store.PutAsync(Blobs.Key("k"), Blobs.Bytes(1000, seed: 1));
            await SealAsync(store);
            files.OnDelete = path =>
            {
                if (path.EndsWith(".seg", StringComparison.Ordinal))
                    (name, left) = (name ?? path, left ?? ReadShared(path));
            };
            // The removal of the name fails to get to disk, and no later sync of the folder tells.
            files.OnFolderSync = path =>
            {
                files.OnFolderSync = null;
                throw new IOException("EIO");
            };
            (await store.EmptyAsync(Youngest(store), keepAll: false)).ShouldBe(EmptyResult.Failed);
            await store.PutAsync(Blobs.Key("k"), Blobs.Bytes(1000, seed: 2), Replace);
            (await store.DeleteAsync(Blobs.Key("k"), null, Cancel)).Status.ShouldBe(StoreStatus.Ok);
            await SealAsync(store);
            foreach (var segment in store.Internals.Segments.List())
                (await store.EmptyAsync(segment, keepAll: false)).ShouldBe(EmptyResult.Removed);
        }
        File.Delete(Snapshot);
        await File.WriteAllBytesAsync(name.ShouldNotBeNull(), left.ShouldNotBeNull(), Cancel);
        await using var again = await OpenAsync(Files());
        (await again.TryGetAsync(Blobs.Key("k"))).ShouldBeNull();
    }

    [Fact]
    public async Task A_copy_counts_when_the_original_comes_back_marked()
    {
        var files = Files();
        byte[]? left = null;
        string? name = null;
        await using (var store = await OpenAsync(files))
        {
            var log = store.Internals.Log;
            // A main segment that is older than what is emptied next, and takes more.
            await store.PutAsync(Blobs.Key("x"), Blobs.Bytes(1000, seed: 1));
            await store.GetAsync(Blobs.Key("x"));
            for (var i = 0; i < 9; i++)
                await store.PutAsync(Blobs.Key($"f{i}"), Blobs.Bytes(1000, seed: i));
            await log.SealAsync(SegmentClass.Probation);
            await store.EmptyAsync(Youngest(store), keepAll: false);
            await store.PutAsync(Blobs.Key("k"), Blobs.Bytes(1000, seed: 2));
            await store.GetAsync(Blobs.Key("k"));
            for (var i = 0; i < 9; i++)
                await store.PutAsync(Blobs.Key($"g{i}"), Blobs.Bytes(1000, seed: i));
            await log.SealAsync(SegmentClass.Probation);
            files.OnDelete = path =>
            {
                if (path.EndsWith(".seg", StringComparison.Ordinal))
                    (name, left) = (path, ReadShared(path));
            };
            (await store.EmptyAsync(Youngest(store), keepAll: false)).ShouldBe(EmptyResult.Removed);
        }
        File.Delete(Snapshot);
        await File.WriteAllBytesAsync(name.ShouldNotBeNull(), left.ShouldNotBeNull(), Cancel);
        await using var again = await OpenAsync(Files());
        (await again.GetAsync(Blobs.Key("k"))).Content.ShouldBe(Blobs.Bytes(1000, seed: 2));
    }
}
