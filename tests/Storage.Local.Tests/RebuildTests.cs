using EdgeCache.Storage.Local.Segments;
using EdgeCache.TestKit;

namespace EdgeCache.Storage.Local.Tests;

/// <summary>A start without an index, while the store serves. The rebuild is held where a test wants it.</summary>
public sealed class RebuildTests : EngineTest
{
    private static readonly TimeSpan Short = TimeSpan.FromMilliseconds(200);
    private readonly TaskCompletionSource _goOn = new(TaskCreationOptions.RunContinuationsAsynchronously);

    [Fact]
    public async Task What_was_found_is_served_and_what_depends_on_the_rest_waits()
    {
        await MakeAsync();
        await using (var store = await OpenAsync(HeldAt(SegmentFiles()[0]), replayAtOnce: 0, roomTimeout: Short))
        {
            await Eventually.TrueAsync(async () => await store.TryGetAsync(Blobs.Key("k1")) is not null, TimeSpan.FromSeconds(20), "k1 is found");
            (await store.GetAsync(Blobs.Key("k2"))).Content.ShouldBe(Blobs.Bytes(2000, seed: 2));
            (await store.StatAsync(Blobs.Key("k0"), Cancel)).Status.ShouldBe(StoreStatus.Missing);
            store.State.Rebuilding.ShouldNotBeNull().ShouldBeInRange(0.3, 0.99);
            store.State.Fault.ShouldBeNull();

            var deleted = await store.DeleteAsync(Blobs.Key("k0"), null, Cancel);
            (deleted.Status, deleted.Detail).ShouldBe((StoreStatus.Unavailable, deleted.Detail.ShouldNotBeNull()));
            (await store.PutAsync(Blobs.Key("k0"), [1])).Status.ShouldBe(StoreStatus.Unavailable);
            (await store.PutAsync(Blobs.Key("k0"), [1], new PutOptions { Replace = true, Condition = BlobCondition.Absent })).Status.ShouldBe(StoreStatus.Unavailable);
            (await store.PutAsync(Blobs.Key("k2"), Blobs.Bytes(2000, seed: 2))).Value.ShouldNotBeNull().Effect.ShouldBe(PutEffect.Unchanged);
            (await store.PutAsync(Blobs.Key("k0"), "new"u8.ToArray(), Replace)).Status.ShouldBe(StoreStatus.Ok);
            (await store.GetAsync(Blobs.Key("k0"))).Content.ShouldBe("new"u8.ToArray());
            await store.WriteSnapshotAsync();
            File.Exists(Snapshot).ShouldBeFalse("an index that is not complete is not written down");

            _goOn.SetResult();
            await store.Rebuilt;
            store.State.Rebuilding.ShouldBeNull();
            (await store.GetAsync(Blobs.Key("k0"))).Content.ShouldBe("new"u8.ToArray(), "what was written meanwhile is newer than what is found");
            (await store.DeleteAsync(Blobs.Key("k1"), null, Cancel)).Status.ShouldBe(StoreStatus.Ok);
            Logger.Messages.ShouldContain(m => m.Contains("while the store serves"));
            Logger.Messages.ShouldContain(m => m.Contains("The index is complete: 3 records, 3 blobs"));
        }
        File.Delete(Snapshot);
        await using var again = await OpenAsync(Files());
        (await again.GetAsync(Blobs.Key("k0"))).Content.ShouldBe("new"u8.ToArray());
        (await again.TryGetAsync(Blobs.Key("k1"))).ShouldBeNull();
    }

    [Fact]
    public async Task A_deletion_that_waits_is_done_when_the_rest_is_found()
    {
        await MakeAsync();
        await using var store = await OpenAsync(HeldAt(SegmentFiles()[0]), replayAtOnce: 0);
        var deleting = store.DeleteAsync(Blobs.Key("k0"), null, Cancel).AsTask();
        var writing = store.PutAsync(Blobs.Key("k1"), Blobs.Bytes(2000, seed: 1));
        deleting.IsCompleted.ShouldBeFalse();
        _goOn.SetResult();
        (await deleting).Status.ShouldBe(StoreStatus.Ok);
        (await writing).Value.ShouldNotBeNull().Effect.ShouldBe(PutEffect.Unchanged);
        (await store.TryGetAsync(Blobs.Key("k0"))).ShouldBeNull();
    }

    [Fact]
    public async Task A_copy_is_not_served_before_what_may_have_replaced_it_was_read()
    {
        var key = await MakeSupersededCopyAsync();
        await using var again = await OpenAsync(HeldAt(SegmentFiles()[0]), replayAtOnce: 0);
        await Eventually.StaysAsync(() => again.TryGetAsync(key).GetAwaiter().GetResult() is null, Short, "the older version is not served");
        _goOn.SetResult();
        await again.Rebuilt;
        (await again.GetAsync(key)).Content.ShouldBe(Blobs.Bytes(1000, seed: 2));
    }

    [Fact]
    public async Task Damage_of_what_was_superseded_does_not_cost_the_newer_version_that_is_not_found_yet()
    {
        var key = await MakeSupersededCopyAsync();
        var copies = SegmentFiles()[1];
        await using (var again = await OpenAsync(HeldAt(SegmentFiles()[0]), replayAtOnce: 0))
        {
            await Eventually.TrueAsync(() => again.Entry(key) is not null, TimeSpan.FromSeconds(20), "the copy is found");
            Overwrite(copies, new FileInfo(copies).Length - 500, 0xAA, 0x55, 0xAA);
            var scrubbing = again.ScrubAsync(1 << 30, null, Cancel);
            again.DropDamaged(key, again.Entry(key)!.Value, null).ShouldBeFalse("whoever comes by the damage loses nothing by it");
            await Eventually.StaysAsync(() => !scrubbing.IsCompleted && again.Entry(key) is not null, Short, "a scrub waits for the whole index");
            _goOn.SetResult();
            (await scrubbing).Damaged.ShouldBe(0);
            (await again.GetAsync(key)).Content.ShouldBe(Blobs.Bytes(1000, seed: 2));
            again.State.DamagedBlobs.ShouldBe(0);
        }
        File.Delete(Snapshot);
        await using var third = await OpenAsync(Files());
        (await third.GetAsync(key)).Content.ShouldBe(Blobs.Bytes(1000, seed: 2));
    }

    [Fact]
    public async Task A_namespace_with_a_quota_takes_nothing_before_it_is_known_what_it_has()
    {
        await MakeAsync();
        var files = HeldAt(SegmentFiles()[0]);
        await using var store = await OpenAsync(files, replayAtOnce: 0, roomTimeout: Short, limits: new NamespaceLimits { QuotaBytes = 8192 });
        (await store.PutAsync(Blobs.Key("more"), Blobs.Bytes(3000), Replace)).Status.ShouldBe(StoreStatus.Unavailable);
        _goOn.SetResult();
        await store.Rebuilt;
        for (var i = 0; i < 9; i++)
        {
            await store.PutAsync(Blobs.Key($"more{i}"), Blobs.Bytes(3000), Replace);
            store.State.Namespaces.Single().Bytes.ShouldBeLessThanOrEqualTo(8192);
        }
    }

    [Fact]
    public async Task A_listing_waits_for_the_whole_index_and_whoever_gives_up_is_let_go()
    {
        await MakeAsync();
        await using var store = await OpenAsync(HeldAt(SegmentFiles()[0]), replayAtOnce: 0);
        using var giveUp = new CancellationTokenSource();
        var first = ListAsync(store, giveUp.Token);
        var second = ListAsync(store, Cancel);
        await Eventually.StaysAsync(() => !first.IsCompleted && !second.IsCompleted, Short, "there is no whole list");
        await giveUp.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(() => first.WaitAsync(TimeSpan.FromSeconds(20), TimeProvider.System, Cancel));
        second.IsCompleted.ShouldBeFalse();
        _goOn.SetResult();
        (await second).ShouldBe(["k0", "k1", "k2"]);

        static async Task<List<string>> ListAsync(LocalStore store, CancellationToken cancellationToken)
        {
            var keys = new List<string>();
            await foreach (var line in store.ListAsync(new BlobPrefix("test"), cancellationToken))
                keys.Add(line.Key.Key);
            return keys;
        }
    }

    [Fact]
    public async Task Closing_does_not_wait_for_the_end_and_costs_nothing()
    {
        await MakeAsync();
        var files = HeldAt(SegmentFiles()[0]);
        var store = await OpenAsync(files, replayAtOnce: 0);
        var deleting = store.DeleteAsync(Blobs.Key("k0"), null, Cancel).AsTask();
        (await store.PutAsync(Blobs.Key("k1"), "new"u8.ToArray(), Replace)).Status.ShouldBe(StoreStatus.Ok);
        var closing = store.DisposeAsync().AsTask();
        (await deleting).Status.ShouldBe(StoreStatus.Unavailable);
        _goOn.SetResult();
        await closing.WaitAsync(TimeSpan.FromSeconds(20), TimeProvider.System, Cancel);
        File.Exists(Snapshot).ShouldBeFalse();
        await using var again = await OpenAsync(Files());
        (await again.GetAsync(Blobs.Key("k0"))).Content.ShouldBe(Blobs.Bytes(2000, seed: 0));
        (await again.GetAsync(Blobs.Key("k1"))).Content.ShouldBe("new"u8.ToArray());
    }

    [Fact]
    public async Task A_full_store_knows_that_it_is_full_before_it_knows_of_what()
    {
        const long Max = 4 << 20;
        await using (var store = await OpenAsync(Files(), maxBytes: Max))
        {
            for (var i = 0; i < 7; i++)
                await store.PutAsync(Blobs.Key($"k{i}"), Blobs.Bytes(500_000, seed: i));
        }
        File.Delete(Snapshot);
        await using var again = await OpenAsync(HeldAt(SegmentFiles()[0]), replayAtOnce: 0, roomTimeout: Short, maxBytes: Max);
        (await again.PutAsync(Blobs.Key("more"), Blobs.Bytes(900_000), Replace)).Status.ShouldBe(StoreStatus.NoSpace);
        again.State.UsedBytes.ShouldBeInRange(7 * 500_000, Max);
        _goOn.SetResult();
        await again.Rebuilt;
        await again.Swept;
        again.State.UsedBytes.ShouldBe(BlobFiles().Concat(SegmentFiles()).Sum(f => f.EndsWith(".seg", StringComparison.Ordinal) ? new FileInfo(f).Length : (new FileInfo(f).Length + 4095) / 4096 * 4096));
        (await again.PutAsync(Blobs.Key("more"), Blobs.Bytes(900_000), Replace)).Status.ShouldBe(StoreStatus.Ok, "room is made again");
    }

    [Fact]
    public async Task What_is_written_meanwhile_counts_also_when_the_clock_was_set_back()
    {
        await MakeAsync();
        var back = new Microsoft.Extensions.Time.Testing.FakeTimeProvider(new DateTimeOffset(2001, 1, 1, 0, 0, 0, TimeSpan.Zero));
        await using (var store = await OpenAsync(HeldAt(SegmentFiles()[^1]), replayAtOnce: 0, time: back))
        {
            (await store.PutAsync(Blobs.Key("k0"), "small"u8.ToArray(), Replace)).Status.ShouldBe(StoreStatus.Ok);
            (await store.PutAsync(Blobs.Key("k1"), Blobs.Bytes(200_000, seed: 9), Replace)).Status.ShouldBe(StoreStatus.Ok);
            _goOn.SetResult();
            await store.Rebuilt;
            await CheckAsync(store);
        }
        File.Delete(Snapshot);
        await using var again = await OpenAsync(Files());
        await CheckAsync(again);

        static async Task CheckAsync(LocalStore store)
        {
            (await store.GetAsync(Blobs.Key("k0"))).Content.ShouldBe("small"u8.ToArray());
            (await store.GetAsync(Blobs.Key("k1"))).Content.ShouldBe(Blobs.Bytes(200_000, seed: 9));
            (await store.GetAsync(Blobs.Key("k2"))).Content.ShouldBe(Blobs.Bytes(2000, seed: 2));
        }
    }

    [Fact]
    public async Task A_disk_that_fails_once_delays_it()
    {
        await MakeAsync();
        var files = Files();
        var (first, failed) = (SegmentFiles()[0], 0);
        files.OnRead = (path, offset, _) =>
        {
            if (path == first && offset == Segment.HeaderLength && Interlocked.Increment(ref failed) == 1)
                throw new IOException("EIO");
        };
        await using var store = await OpenAsync(files, replayAtOnce: 0);
        await store.Rebuilt.WaitAsync(TimeSpan.FromSeconds(30), TimeProvider.System, Cancel);
        failed.ShouldBeGreaterThan(1);
        (await store.GetAsync(Blobs.Key("k0"))).Content.ShouldBe(Blobs.Bytes(2000, seed: 0));
    }

    /// <summary>Three blobs, each in a segment of its own, and no snapshot.</summary>
    private async Task MakeAsync()
    {
        await using (var store = await OpenAsync(Files()))
        {
            for (var i = 0; i < 3; i++)
            {
                await store.PutAsync(Blobs.Key($"k{i}"), Blobs.Bytes(2000, seed: i), Replace);
                await store.Internals.Log.SealAsync(SegmentClass.Probation);
            }
        }
        File.Delete(Snapshot);
    }

    /// <summary>
    /// An older version of a key in a main segment, as a copy that a loss of power has made live again, and the newer one in the segment on probation that is older than the copy's. No snapshot.
    /// </summary>
    private async Task<BlobKey> MakeSupersededCopyAsync()
    {
        var key = Blobs.Key("k");
        long markAt = 0;
        await using (var store = await OpenAsync(Files()))
        {
            var (segments, log) = store.Internals;
            await store.PutAsync(key, Blobs.Bytes(1000, seed: 1), Replace);
            await store.GetAsync(key);
            for (var i = 0; i < 9; i++)
                await store.PutAsync(Blobs.Key($"f{i}"), Blobs.Bytes(1000, seed: i));
            var first = Youngest(store);
            await log.SealAsync(SegmentClass.Probation);
            // The next segment on probation is older than the main one that gets the copy, and takes the new version.
            await store.PutAsync(Blobs.Key("x"), Blobs.Bytes(10));
            await store.EmptyAsync(first, keepAll: false);
            await store.PutAsync(key, Blobs.Bytes(1000, seed: 2), Replace);
            segments.List().ConvertAll(s => s.Class).ShouldBe([SegmentClass.Probation, SegmentClass.Main]);
            SegmentScanner.ScanHeaders(segments.List()[1], (_, offset) => markAt = offset + RecordFormat.StateOffset);
        }
        File.Delete(Snapshot);
        Overwrite(SegmentFiles()[1], markAt, 0);
        return key;
    }

    /// <summary>Files on which the rebuild waits before it reads the records of a segment.</summary>
    private HookedFiles HeldAt(string segment)
    {
        var files = Files();
        files.OnRead = (path, offset, _) =>
        {
            if (path == segment && offset == Segment.HeaderLength)
                _goOn.Task.Wait(TimeSpan.FromSeconds(60));
        };
        return files;
    }
}
