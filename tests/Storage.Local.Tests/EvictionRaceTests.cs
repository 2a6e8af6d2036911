using EdgeCache.Storage.Local.Disk;
using EdgeCache.Storage.Local.Files;
using EdgeCache.TestKit;
using Microsoft.Extensions.Logging.Abstractions;

namespace EdgeCache.Storage.Local.Tests;

/// <summary>What comes between the steps of an eviction or of a drop of damage: a reader, a file that stays, a crash before.</summary>
public sealed class EvictionRaceTests : LocalStoreTest
{
    private const long KiB = 1024;
    private static readonly BlobKey Key = Blobs.Key("k");

    [Fact]
    public async Task A_reader_in_the_middle_of_an_eviction_does_not_keep_its_file_on_disk()
    {
        var files = new HookedFiles(new DiskFileSystem(Root));
        await using var store = await OpenAsync(files, Root);
        await store.PutAsync(Key, Blobs.Bytes(100_000));
        var asked = AskWhenMarked(files, store);

        await store.EvictAllAsync([store.Entry(Key).ShouldNotBeNull()], EvictionReason.Quota);

        asked().ShouldBe(StoreStatus.Missing);
        BlobFiles().ShouldBeEmpty();
        store.State.UsedBytes.ShouldBe(SegmentFiles().Sum(f => new FileInfo(f).Length));
        store.State.Namespaces.Single().EvictedForQuota.ShouldBe(1);
    }

    [Fact]
    public async Task A_file_that_can_not_be_removed_does_not_keep_those_of_others()
    {
        var files = new HookedFiles(new DiskFileSystem(Root));
        await using var store = await OpenAsync(files, Root);
        await store.PutAsync(Key, Blobs.Bytes(100_000, seed: 1));
        var stuck = BlobFile();
        await store.PutAsync(Blobs.Key("other"), Blobs.Bytes(100_000, seed: 2));
        files.OnDelete = path => _ = path == stuck ? throw new UnauthorizedAccessException("It may not be removed.") : 0;

        await Should.ThrowAsync<IOException>(() => store.EvictAllAsync([store.Entry(Key).ShouldNotBeNull()], EvictionReason.Quota));
        await Should.ThrowAsync<IOException>(() => store.EvictAllAsync([store.Entry(Blobs.Key("other")).ShouldNotBeNull()], EvictionReason.Quota));
        BlobFile().ShouldBe(stuck);

        files.OnDelete = null;
        await store.EvictAllAsync([], EvictionReason.Quota);
        BlobFiles().ShouldBeEmpty();
        store.State.UsedBytes.ShouldBe(SegmentFiles().Sum(f => new FileInfo(f).Length));
    }

    [Theory]
    [InlineData(8000)]
    [InlineData(30_000)]
    public async Task Blobs_that_were_deleted_before_a_crash_take_nothing_of_a_quota(int length)
    {
        var crashed = Path.Combine(Root, "crashed");
        await using (var store = await OpenAsync(new HookedFiles(new DiskFileSystem(Root)), Root))
        {
            for (var i = 0; i < 12; i++)
                await store.PutAsync(Blobs.Key($"old{i}"), Blobs.Bytes(length, seed: i));
            // The index is written down with them. Their deletion is in the log alone, before the place from which a start reads it.
            await store.WriteSnapshotAsync();
            for (var i = 0; i < 12; i++)
                (await store.DeleteAsync(Blobs.Key($"old{i}"), null, Cancel)).Status.ShouldBe(StoreStatus.Ok);
            CopyTo(crashed);
        }
        var limits = new NamespaceLimits { QuotaBytes = 14 * (length + 4 * KiB) };
        await using var again = await OpenAsync(new HookedFiles(new DiskFileSystem(crashed)), crashed, limits);

        for (var i = 0; i < 12; i++)
            (await again.PutAsync(Blobs.Key($"new{i}"), Blobs.Bytes(length, seed: i))).Status.ShouldBe(StoreStatus.Ok, $"new{i}");
    }

    [Fact]
    public async Task A_reader_in_the_middle_of_a_drop_does_not_hide_the_damage()
    {
        await using (var store = await OpenAsync(new HookedFiles(new DiskFileSystem(Root)), Root))
            await store.PutAsync(Key, Blobs.Bytes(100_000));
        await FlipAsync(BlobFile(), 70_000);
        var files = new HookedFiles(new DiskFileSystem(Root));
        await using var again = await OpenAsync(files, Root);
        var asked = AskWhenMarked(files, again);

        var found = await again.ScrubAsync(long.MaxValue, null, Cancel);

        asked().ShouldBe(StoreStatus.Missing);
        found.Damaged.ShouldBe(1);
        again.State.DamagedBlobs.ShouldBe(1);
        BlobFiles().ShouldBeEmpty();
        Directory.GetFiles(QuarantineFolder).ShouldHaveSingleItem();
    }

    /// <summary>Has somebody ask for the blob in the moment in which its record has been marked dead.</summary>
    private static Func<StoreStatus?> AskWhenMarked(HookedFiles files, LocalStore store)
    {
        StoreStatus? said = null;
        files.OnWritten = (_, _, length) =>
        {
            if (length != 1)
                return;
            files.OnWritten = null;
            said = store.StatAsync(Key, Cancel).AsTask().GetAwaiter().GetResult().Status;
        };
        return () => said;
    }

    private static Task<LocalStore> OpenAsync(HookedFiles files, string root, NamespaceLimits? limits = null)
    {
        var layout = new StoreLayout(root);
        layout.Create();
        var options = new LocalStoreOptions { Path = root, MaxBytes = 64 << 20, MinFreeBytes = 0, RoomTimeout = TimeSpan.FromSeconds(3), Limits = _ => limits ?? NamespaceLimits.None };
        return LocalStore.OpenAsync(options, layout, files, null, (new HashSecret(1, 2), StoreMarker.Format), TimeProvider.System, NullLogger.Instance);
    }

    private void CopyTo(string target)
    {
        var folders = Directory.GetDirectories(Root, "*", SearchOption.AllDirectories);
        var files = Directory.GetFiles(Root, "*", SearchOption.AllDirectories);
        foreach (var folder in folders)
            Directory.CreateDirectory(Path.Combine(target, Path.GetRelativePath(Root, folder)));
        foreach (var file in files)
        {
            using var from = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            using var to = File.Create(Path.Combine(target, Path.GetRelativePath(Root, file)));
            from.CopyTo(to);
        }
    }
}
