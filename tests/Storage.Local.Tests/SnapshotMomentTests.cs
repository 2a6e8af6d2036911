using EdgeCache.Storage.Local.Disk;
using EdgeCache.Storage.Local.Files;
using EdgeCache.Storage.Local.Index;
using EdgeCache.Storage.Local.Segments;
using EdgeCache.TestKit;

namespace EdgeCache.Storage.Local.Tests;

/// <summary>What a snapshot that is taken while others write must say of the log.</summary>
public sealed class SnapshotMomentTests : EngineTest
{
    [Fact]
    public async Task It_knows_every_record_before_its_positions_and_a_larger_generation()
    {
        await using var store = await OpenAsync(Files());
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        var writers = Enumerable.Range(0, 4).Select(w => Task.Run(async () =>
        {
            // Always a namespace that has no number yet.
            for (var i = 0; !stop.IsCancellationRequested; i++)
                await store.PutAsync(BlobKey.Create($"n{w}-{i}", "", "k"), [1]);
        })).ToList();
        var files = new DiskFileSystem(Root);
        for (var round = 0; round < 60; round++)
        {
            await store.WriteSnapshotAsync();
            var (header, index) = IndexSnapshot.TryRead(files, Snapshot, Secret.ToGuid(), out _).ShouldNotBeNull();
            foreach (var position in header.Segments)
            {
                SegmentScanner.ScanHeaders(store.Internals.Segments.Find(position.Segment)!, (record, offset) =>
                {
                    if (offset >= position.Position)
                        return;
                    ((ulong)record.Generation).ShouldBeLessThan(header.NextGeneration);
                    index.TryGet(record.Hash, out _).ShouldBeTrue($"the record at {offset} of {position.Position}");
                });
            }
        }
        await stop.CancelAsync();
        await Task.WhenAll(writers);
    }

    [Fact]
    public async Task It_knows_the_namespace_of_a_file_of_format_1_that_is_taken_over_meanwhile()
    {
        var key = BlobKey.Create("late", "", "k");
        var folder = new StoreLayout(Root);
        folder.Create();
        var name = KeyHash.Of(key, Secret).ToString();
        await File.WriteAllBytesAsync(Path.Combine(BlobsFolder, name[..2], name), BlobImages.Make(key, Blobs.Bytes(5000)), Cancel);
        var files = Files();
        var began = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        LocalStore? store = null;
        Task? writing = null;
        files.OnSync = path =>
        {
            // The record is written, and in an instant in the log.
            if (!path.EndsWith(".seg", StringComparison.Ordinal) || new FileInfo(path).Length <= Segment.HeaderLength)
                return;
            files.OnSync = null;
            began.Task.Wait(TimeSpan.FromSeconds(30)).ShouldBeTrue();
            store!.Internals.Segments.List()[^1].Length = new FileInfo(path).Length;
            writing = store.WriteSnapshotAsync();
        };
        store = await OpenAsync(files);
        began.SetResult();
        await store.Swept;
        await writing.ShouldNotBeNull();
        var (header, index) = IndexSnapshot.TryRead(new DiskFileSystem(Root), Snapshot, Secret.ToGuid(), out _).ShouldNotBeNull();
        header.Namespaces.Values.ShouldContain("late");
        index.Count.ShouldBe(1);
        await store.DisposeAsync();
    }

    [Fact]
    public async Task It_is_of_no_moment_at_which_a_record_is_being_moved()
    {
        var files = Files();
        await using var store = await OpenAsync(files);
        await store.PutAsync(Blobs.Key("k"), Blobs.Bytes(100));
        await SealAsync(store);
        var source = Youngest(store);
        using var inCopy = new ManualResetEventSlim();
        using var goOn = new ManualResetEventSlim();
        files.OnSync = path =>
        {
            if (!path.EndsWith(".seg", StringComparison.Ordinal))
                return;
            inCopy.Set();
            goOn.Wait(TimeSpan.FromSeconds(30));
        };
        var emptying = Task.Run(() => store.EmptyAsync(source, keepAll: true).AsTask());
        inCopy.Wait(TimeSpan.FromSeconds(30), Cancel).ShouldBeTrue("the copy is synced");
        var writing = Task.Run(store.WriteSnapshotAsync, Cancel);
        await Eventually.StaysAsync(() => !writing.IsCompleted, TimeSpan.FromMilliseconds(300), "it waits for the move");
        goOn.Set();
        (await emptying).ShouldBe(EmptyResult.Removed);
        await writing;
        var (header, _) = IndexSnapshot.TryRead(new DiskFileSystem(Root), Snapshot, Secret.ToGuid(), out _).ShouldNotBeNull();
        header.Segments.ShouldNotContain(s => s.Segment == source.Id);
    }
}
