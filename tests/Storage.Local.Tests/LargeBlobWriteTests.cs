using EdgeCache.Storage.Local.Format;
using EdgeCache.TestKit;

namespace EdgeCache.Storage.Local.Tests;

public sealed class LargeBlobWriteTests : EngineTest
{
    [Fact]
    public async Task The_sync_of_a_large_blob_holds_up_no_other_write_and_the_later_publication_counts_for_ever()
    {
        var files = Files();
        var (key, large) = (Blobs.Key("k"), Blobs.Bytes(300_000));
        PutReceipt first, last;
        await using (var store = await OpenAsync(files))
        {
            using var inSync = new ManualResetEventSlim();
            using var goOn = new ManualResetEventSlim();
            files.OnSync = path =>
            {
                if (!path.EndsWith(".part", StringComparison.Ordinal))
                    return;
                inSync.Set();
                goOn.Wait(TimeSpan.FromSeconds(30));
            };
            var writing = Task.Run(() => store.PutAsync(key, large, Replace), Cancel);
            inSync.Wait(TimeSpan.FromSeconds(30), Cancel).ShouldBeTrue("the files are synced");
            // The same key has for sure the same lock.
            first = (await store.PutAsync(key, Blobs.Bytes(10), Replace).WaitAsync(TimeSpan.FromSeconds(20), TimeProvider.System, Cancel)).Value.ShouldNotBeNull();
            (await store.GetAsync(key)).Content.Length.ShouldBe(10);
            goOn.Set();
            last = (await writing).Value.ShouldNotBeNull();
            (await store.GetAsync(key)).Content.ShouldBe(large);
            last.Metadata.Generation.ShouldBeGreaterThan(first.Metadata.Generation);
        }
        BlobFile().ShouldEndWith($"{last.Metadata.Generation:x16}");
        File.Delete(Snapshot);
        await using var again = await OpenAsync(Files());
        (await again.GetAsync(key)).Content.ShouldBe(large);
    }

    [Fact]
    public async Task What_was_deleted_while_a_large_blob_was_synced_does_not_take_it_along()
    {
        var files = Files();
        var (key, large) = (Blobs.Key("k"), Blobs.Bytes(300_000));
        await using (var store = await OpenAsync(files))
        {
            using var inSync = new ManualResetEventSlim();
            using var goOn = new ManualResetEventSlim();
            files.OnSync = path =>
            {
                if (!path.EndsWith(".part", StringComparison.Ordinal))
                    return;
                inSync.Set();
                goOn.Wait(TimeSpan.FromSeconds(30));
            };
            var writing = Task.Run(() => store.PutAsync(key, large, Replace), Cancel);
            inSync.Wait(TimeSpan.FromSeconds(30), Cancel).ShouldBeTrue("the files are synced");
            await store.PutAsync(key, Blobs.Bytes(10), Replace);
            (await store.DeleteAsync(key, null, Cancel)).Status.ShouldBe(StoreStatus.Ok);
            goOn.Set();
            (await writing).Status.ShouldBe(StoreStatus.Ok);
        }
        File.Delete(Snapshot);
        await using var again = await OpenAsync(Files());
        (await again.GetAsync(key)).Content.ShouldBe(large);
    }

    [Fact]
    public async Task A_deletion_does_not_wait_behind_the_syncs_of_large_blobs()
    {
        var files = Files();
        await using var store = await OpenAsync(files);
        await store.PutAsync(Blobs.Key("k"), Blobs.Bytes(10));
        using var inSync = new CountdownEvent(8);
        using var goOn = new ManualResetEventSlim();
        files.OnSync = path =>
        {
            if (!path.EndsWith(".part", StringComparison.Ordinal))
                return;
            inSync.Signal();
            goOn.Wait(TimeSpan.FromSeconds(30));
        };
        var writing = Enumerable.Range(0, 8).Select(i => Task.Run(() => store.PutAsync(Blobs.Key($"large-{i}"), Blobs.Bytes(300_000)), Cancel)).ToList();
        inSync.Wait(TimeSpan.FromSeconds(30), Cancel).ShouldBeTrue("the files are synced");
        (await store.DeleteAsync(Blobs.Key("k"), null, Cancel).AsTask().WaitAsync(TimeSpan.FromSeconds(20), TimeProvider.System, Cancel)).Status.ShouldBe(StoreStatus.Ok);
        goOn.Set();
        (await Task.WhenAll(writing)).ShouldAllBe(o => o.IsOk);
    }

    [Fact]
    public async Task A_file_that_was_named_in_vain_goes_again()
    {
        var files = Files();
        await using var store = await OpenAsync(files);
        var key = Blobs.Key("k");
        await using var writer = (await store.OpenWriteAsync(key, new PutOptions(), Cancel)).Value.ShouldNotBeNull();
        await writer.WriteAsync(Blobs.Bytes(300_000), Cancel);
        files.OnFolderSync = _ =>
        {
            files.OnFolderSync = null;
            store.PutAsync(key, Blobs.Bytes(10)).GetAwaiter().GetResult();
        };
        (await writer.CommitAsync(Cancel)).Status.ShouldBe(StoreStatus.Exists);
        BlobFiles().ShouldBeEmpty();
        (await store.GetAsync(key)).Content.Length.ShouldBe(10);
    }

    [Fact]
    public async Task The_longest_small_blob_with_the_longest_header_fits_wherever_it_goes()
    {
        await using var store = await OpenAsync(Files());
        var bare = (await store.PutAsync(Blobs.Key("bare"), [1])).Value.ShouldNotBeNull().Metadata;
        var field = new UnknownField(100, new byte[EdgeCache.Storage.Local.Format.BlobFile.MaxHeaderLength - BlobHeader.Measure(bare) - EdgeCache.Storage.Local.Format.BlobFile.FieldHeaderLength - 8]);
        for (var length = 65_400; length <= 65_536; length += 4)
        {
            var (key, content) = (Blobs.Key("long"), Blobs.Bytes(length));
            (await store.PutAsync(key, content, new PutOptions { Replace = true, UnknownFields = [field] })).Status.ShouldBe(StoreStatus.Ok, $"{length}");
            var (read, metadata) = await store.GetAsync(key);
            read.AsSpan().SequenceEqual(content).ShouldBeTrue($"{length}");
            metadata.UnknownFields.Count.ShouldBe(1);
        }
    }

    [Fact]
    public async Task A_start_that_fails_leaves_nothing_open()
    {
        await using (var store = await OpenAsync(Files()))
        {
            for (var i = 0; i < 3; i++)
            {
                await store.PutAsync(Blobs.Key($"k{i}"), Blobs.Bytes(10));
                await SealAsync(store);
            }
        }
        var files = Files();
        var last = SegmentFiles()[^1];
        files.OnRead = (path, _, _) =>
        {
            if (path == last)
                throw new IOException("EIO");
        };
        await Should.ThrowAsync<IOException>(() => OpenAsync(files));
        files.OpenFiles.ShouldBe(0);
    }
}
