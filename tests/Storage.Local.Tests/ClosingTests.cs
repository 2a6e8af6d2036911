using EdgeCache.TestKit;

namespace EdgeCache.Storage.Local.Tests;

public sealed class ClosingTests : LocalStoreTest
{
    [Fact]
    public async Task A_store_that_is_closing_takes_no_new_writes_and_waits_for_the_running_ones()
    {
        var store = await OpenAsync();
        var writer = (await store.OpenWriteAsync(Blobs.Key("running"), new PutOptions(), Cancel)).Value.ShouldNotBeNull();
        await writer.WriteAsync("to the end"u8.ToArray(), Cancel);

        var closing = store.DisposeAsync().AsTask();

        (await store.OpenWriteAsync(Blobs.Key("new"), new PutOptions(), Cancel)).Status.ShouldBe(StoreStatus.Unavailable);
        closing.IsCompleted.ShouldBeFalse();
        (await writer.CommitAsync(Cancel)).Status.ShouldBe(StoreStatus.Ok);
        closing.IsCompleted.ShouldBeFalse();
        await writer.DisposeAsync();
        await closing.WaitAsync(TimeSpan.FromSeconds(20), Cancel);
        await using var again = await OpenAsync();
        (await again.GetAsync(Blobs.Key("running"))).Content.ShouldBe("to the end"u8.ToArray());
    }

    [Fact]
    public async Task A_closed_store_touches_nothing_because_the_folder_may_be_anothers()
    {
        var (key, large) = (Blobs.Key("k"), Blobs.Key("large"));
        var store = await OpenAsync();
        await store.PutAsync(key, "kept"u8.ToArray());
        await store.PutAsync(large, Blobs.Bytes(100_000));
        await store.DisposeAsync();
        await File.AppendAllTextAsync(BlobFile(), "damaged", Cancel);
        var segment = await File.ReadAllBytesAsync(SegmentFile(), Cancel);

        foreach (var one in new[] { key, large })
        {
            (await store.DeleteAsync(one, null, Cancel)).Status.ShouldBe(StoreStatus.Unavailable);
            (await store.OpenWriteAsync(one, new PutOptions(), Cancel)).Status.ShouldBe(StoreStatus.Unavailable);
            (await store.TryGetAsync(one)).ShouldBeNull();
        }

        (await File.ReadAllBytesAsync(SegmentFile(), Cancel)).ShouldBe(segment);
        BlobFiles().ShouldHaveSingleItem();
        Directory.GetFiles(QuarantineFolder).ShouldBeEmpty();
    }

    [Fact]
    public async Task Closing_twice_at_once_is_closing_once()
    {
        var store = await OpenAsync();
        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(async () => await store.DisposeAsync()))).WaitAsync(TimeSpan.FromSeconds(20), Cancel);
        await using var again = await OpenAsync();
    }
}
