using EdgeCache.Storage.Local.Segments;
using EdgeCache.TestKit;

namespace EdgeCache.Storage.Local.Tests;

/// <summary>Segments come and go, and what the store takes is known all the time.</summary>
public sealed class SegmentAccountTests : EngineTest
{
    [Fact]
    public async Task The_account_is_exact_after_many_segments()
    {
        await using var store = await OpenAsync(Files());
        for (var i = 0; i < 20; i++)
        {
            await store.PutAsync(Blobs.Key("k"), Blobs.Bytes(100, i), Replace);
            await SealAsync(store);
            foreach (var segment in store.Internals.Segments.List())
                await store.EmptyAsync(segment, keepAll: false);
        }
        store.State.UsedBytes.ShouldBe(SegmentFiles().Sum(f => new FileInfo(f).Length));
    }

    [Fact]
    public async Task Large_blobs_are_not_all_evicted_at_once()
    {
        await using var store = await OpenAsync(Files(), maxBytes: 64 << 20);
        var most = 0L;
        var least = long.MaxValue;
        for (var i = 0; i < 900; i++)
        {
            await store.PutAsync(Blobs.Key($"k{i}"), Blobs.Bytes(100_000, i));
            most = Math.Max(most, store.State.Blobs);
            if (i > 560)
                least = Math.Min(least, store.State.Blobs);
        }
        least.ShouldBeGreaterThan(most / 2);
    }

    [Fact]
    public async Task Syncs_that_fail_leave_no_segments_behind()
    {
        var files = Files();
        await using var store = await OpenAsync(files);
        await store.PutAsync(Blobs.Key("a"), Blobs.Bytes(10));
        files.OnSync = path =>
        {
            if (path.EndsWith(".seg", StringComparison.Ordinal) && new FileInfo(path).Length > Segment.HeaderLength)
                throw new IOException("EIO");
        };
        for (var i = 0; i < 100; i++)
            (await store.PutAsync(Blobs.Key($"k{i}"), Blobs.Bytes(8000, i))).Status.ShouldBe(StoreStatus.Unavailable);
        files.OnSync = null;

        (await store.PutAsync(Blobs.Key("b"), Blobs.Bytes(10))).Status.ShouldBe(StoreStatus.Ok);
        store.Internals.Segments.Count.ShouldBeLessThan(5);
    }
}
