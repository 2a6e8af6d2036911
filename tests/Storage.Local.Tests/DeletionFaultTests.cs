using EdgeCache.Storage.Local.Files;
using EdgeCache.Storage.Local.Segments;
using EdgeCache.TestKit;

namespace EdgeCache.Storage.Local.Tests;

/// <summary>What was acknowledged as deleted stays so, in the interleavings of deletions with syncs, failed writes and the emptying of segments in which that is not obvious.</summary>
public sealed class DeletionFaultTests : EngineTest
{
    private const string CrashFolder = "crash";

    [Fact]
    public async Task No_delete_is_acknowledged_before_a_sync_that_began_after_its_mark()
    {
        var files = Files();
        await using var store = await OpenAsync(files);
        await store.PutAsync(Blobs.Key("a"), Blobs.Bytes(10));
        await store.PutAsync(Blobs.Key("b"), Blobs.Bytes(20));
        using var bothMarked = new Barrier(2);
        using var gate = new ManualResetEventSlim();
        var synced = 0;
        files.OnWritten = (_, _, length) =>
        {
            if (length == 1)
                bothMarked.SignalAndWait(TimeSpan.FromSeconds(1));
        };
        files.OnSync = _ =>
        {
            gate.Wait(TimeSpan.FromSeconds(10));
            Interlocked.Increment(ref synced);
        };

        var first = store.DeleteAsync(Blobs.Key("a"), null, Cancel).AsTask();
        var second = store.DeleteAsync(Blobs.Key("b"), null, Cancel).AsTask();
        var ended = await Task.WhenAny(first, second, Task.Delay(TimeSpan.FromSeconds(2), TimeProvider.System, Cancel));
        var isEarly = (ended == first || ended == second) && Volatile.Read(ref synced) == 0;
        gate.Set();
        (await first).Status.ShouldBe(StoreStatus.Ok);
        (await second).Status.ShouldBe(StoreStatus.Ok);
        (files.OnWritten, files.OnSync) = (null, null);

        isEarly.ShouldBeFalse("a DELETE was acknowledged although no sync had ended");
    }

    [Fact]
    public async Task A_put_that_failed_does_not_come_back_after_a_delete()
    {
        var files = Files();
        await using (var store = await OpenAsync(files))
        {
            await store.PutAsync(Blobs.Key("other"), Blobs.Bytes(10, 9), Replace);
            await store.PutAsync(Blobs.Key("a"), Blobs.Bytes(10, 1), Replace);
            files.OnSync = path =>
            {
                if (!IsSegment(path))
                    return;
                files.OnSync = null;
                throw new IOException("EIO");
            };
            (await store.PutAsync(Blobs.Key("a"), Blobs.Bytes(10, 2), Replace)).Status.ShouldBe(StoreStatus.Unavailable);
            (await store.GetAsync(Blobs.Key("a"))).Content.ShouldBe(Blobs.Bytes(10, 1));
            (await store.DeleteAsync(Blobs.Key("a"), null, Cancel)).Status.ShouldBe(StoreStatus.Ok);
            (await store.TryGetAsync(Blobs.Key("a"))).ShouldBeNull();
        }
        await using var again = await OpenAsync(Files());
        (await again.TryGetAsync(Blobs.Key("a"))).ShouldBeNull();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_delete_of_what_is_just_being_copied_outlives_a_crash(bool keepsSnapshot)
    {
        var files = Files();
        await using var store = await OpenAsync(files);
        var (segments, log) = store.Internals;
        // The main segment becomes active with a low id; what is copied next is in one with a higher.
        await store.PutAsync(Blobs.Key("x"), Blobs.Bytes(1000, 1));
        await store.GetAsync(Blobs.Key("x"));
        await log.SealAsync(SegmentClass.Probation);
        await store.EmptyAsync(segments.Find(1)!, keepAll: true);
        await store.PutAsync(Blobs.Key("k"), Blobs.Bytes(1000, 2));
        await store.GetAsync(Blobs.Key("k"));
        for (var i = 0; i < 9; i++)
            await store.PutAsync(Blobs.Key($"f{i}"), Blobs.Bytes(1000, i));
        await log.SealAsync(SegmentClass.Probation);
        var from = segments.List()[^1];
        var isCrashed = false;
        files.OnDelete = path =>
        {
            if (!IsSegment(path))
                return;
            store.DeleteAsync(Blobs.Key("k"), null, CancellationToken.None).AsTask().Result.Status.ShouldBe(StoreStatus.Ok);
            CopyAfterCrash(keepsSnapshot);
            isCrashed = true;
            throw new IOException("crash");
        };

        await store.EmptyAsync(from, keepAll: false);

        isCrashed.ShouldBeTrue();
        await using var again = await OpenCopyAsync();
        (await again.TryGetAsync(Blobs.Key("k"))).ShouldBeNull("the acknowledged DELETE is undone");
    }

    [Fact]
    public async Task A_delete_of_what_is_in_a_segment_that_is_just_being_removed_outlives_a_crash()
    {
        var files = Files();
        await using var store = await OpenAsync(files);
        var (segments, log) = store.Internals;
        await store.PutAsync(Blobs.Key("k"), Blobs.Bytes(1000, 2));
        await log.SealAsync(SegmentClass.Probation);
        StoreStatus? said = null;
        files.OnDelete = path =>
        {
            if (!IsSegment(path))
                return;
            said = store.DeleteAsync(Blobs.Key("k"), null, CancellationToken.None).AsTask().Result.Status;
            CopyAfterCrash(keepsSnapshot: true);
        };

        await store.EmptyAsync(segments.Find(1)!, keepAll: false);

        said.ShouldNotBeNull();
        await using var again = await OpenCopyAsync();
        (await again.TryGetAsync(Blobs.Key("k"))).ShouldBeNull($"DELETE said {said}");
    }

    [Fact]
    public async Task A_delete_that_is_repeated_says_missing_only_when_that_is_durable()
    {
        var files = Files();
        await using var store = await OpenAsync(files);
        await store.PutAsync(Blobs.Key("a"), Blobs.Bytes(10));
        var good = 0;
        var fails = true;
        files.OnSync = _ =>
        {
            if (fails)
                throw new IOException("EIO");
            good++;
        };
        (await store.DeleteAsync(Blobs.Key("a"), null, Cancel)).Status.ShouldBe(StoreStatus.Unavailable);
        fails = false;

        var second = (await store.DeleteAsync(Blobs.Key("a"), null, Cancel)).Status;

        good.ShouldBeGreaterThan(0, $"no sync of the mark; the second DELETE said {second}");
    }

    private static bool IsSegment(string path) => path.EndsWith(".seg", StringComparison.Ordinal);

    private Task<LocalStore> OpenCopyAsync()
    {
        var root = Path.Combine(Root, CrashFolder);
        return OpenAsync(new HookedFiles(new DiskFileSystem(root)), root: root);
    }

    /// <summary>The folder as a crash at this moment leaves it, within the test's folder, so that it goes with it.</summary>
    private void CopyAfterCrash(bool keepsSnapshot)
    {
        var to = Path.Combine(Root, CrashFolder);
        // What is listed is read before the first copy is made.
        foreach (var folder in Directory.GetDirectories(Root, "*", SearchOption.AllDirectories))
            Directory.CreateDirectory(folder.Replace(Root, to, StringComparison.Ordinal));
        foreach (var file in Directory.GetFiles(Root, "*", SearchOption.AllDirectories))
            File.WriteAllBytes(file.Replace(Root, to, StringComparison.Ordinal), ReadShared(file));
        if (!keepsSnapshot)
            File.Delete(Path.Combine(to, Path.GetFileName(Snapshot)));
    }
}
