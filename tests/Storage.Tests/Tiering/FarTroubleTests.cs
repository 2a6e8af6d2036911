using EdgeCache.Storage.Tiering;
using EdgeCache.TestKit;
using EdgeCache.TestKit.Stores;

namespace EdgeCache.Storage.Tests.Tiering;

/// <summary>What becomes of requests when there are too many for the far store, or it fails.</summary>
public sealed class FarTroubleTests : TierTest
{
    [Fact]
    public async Task More_fetches_than_can_wait_are_refused_at_once()
    {
        Options = new TieredStoreOptions { MaxFills = 2 };
        var point = new Point();
        Far.Before = (call, _) => call == StoreCall.OpenRead ? point.PassAsync() : new(StoreStatus.Ok);
        var waiting = Enumerable.Range(0, Options.MaxQueue).Select(i => StatusAsync(Blobs.Key($"k{i}"))).ToList();
        await Eventually.TrueAsync(() => Counts.OpenFills == Options.MaxQueue, Limit, "all are under way");

        var refused = await Tiers.OpenReadAsync(Blobs.Key("one-more"), ByteRange.Whole, Cancel).AsTask().WaitAsync(Limit);

        (refused.Status, refused.Detail).ShouldBe((StoreStatus.Unavailable, FarDetails.Busy));
        var joined = StatusAsync(Blobs.Key("k0"));
        point.Open();
        (await Task.WhenAll(waiting).WaitAsync(Limit)).ShouldAllBe(s => s == StoreStatus.Missing);
        (await joined).ShouldBe(StoreStatus.Missing);
        (await StatusAsync(Blobs.Key("one-more"))).ShouldBe(StoreStatus.Missing);
    }

    [Fact]
    public async Task More_questions_than_can_wait_are_refused_at_once()
    {
        Options = new TieredStoreOptions { MaxFills = 1 };
        var point = new Point();
        Far.Before = (call, _) => call == StoreCall.Stat ? point.PassAsync() : new(StoreStatus.Ok);
        var waiting = Enumerable.Range(0, Options.MaxQueue).Select(i => Tiers.StatAsync(Blobs.Key($"k{i}"), Cancel).AsTask()).ToList();
        await Eventually.TrueAsync(() => Far.Count(StoreCall.Stat) == Options.MaxQueue, Limit, "all are asked");

        (await Tiers.StatAsync(Blobs.Key("one-more"), Cancel)).Status.ShouldBe(StoreStatus.Unavailable);

        point.Open();
        (await Task.WhenAll(waiting).WaitAsync(Limit)).ShouldAllBe(s => s.Status == StoreStatus.Missing);
        (await Tiers.StatAsync(Blobs.Key("one-more"), Cancel)).Status.ShouldBe(StoreStatus.Missing);
    }

    [Theory]
    [InlineData("http://10.0.0.1:9000 can't be reached.", false)]
    [InlineData("round and round", true)]
    public async Task What_the_far_store_says_is_not_for_clients_but_that_requests_go_in_circles(string detail, bool isTold)
    {
        Options = new TieredStoreOptions { IsForClients = static d => d == "round and round" };
        await using var tiers = new TieredStore(new MemoryStore(StoredWhere.Local), new FailingStore(detail), null, Gate, Options, Clock, Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance);
        var key = Blobs.Key("k");
        string?[] told =
        [
            (await tiers.OpenReadAsync(key, ByteRange.Whole, Cancel)).Detail,
            (await tiers.StatAsync(key, Cancel)).Detail,
            (await tiers.DeleteAsync(key, null, Cancel)).Detail,
            (await tiers.PutAsync(key, [1])).Detail,
        ];
        told.ShouldAllBe(d => d == (isTold ? detail : FarDetails.Failed));
    }

    private sealed class FailingStore(string detail) : IBlobStore
    {
        public StoreState State => new(0, long.MaxValue, 0, detail);

        public ValueTask<Outcome<IBlobReader>> OpenReadAsync(BlobKey key, ByteRange expected, CancellationToken cancellationToken) => new(Outcome<IBlobReader>.Fail(StoreStatus.Unavailable, detail));

        public ValueTask<Outcome<BlobMetadata>> StatAsync(BlobKey key, CancellationToken cancellationToken) => new(Outcome<BlobMetadata>.Fail(StoreStatus.Unavailable, detail));

        public ValueTask<Outcome<IBlobWriter>> OpenWriteAsync(BlobKey key, PutOptions options, CancellationToken cancellationToken) => new(Outcome<IBlobWriter>.Fail(StoreStatus.Unavailable, detail));

        public ValueTask<Outcome<BlobMetadata>> DeleteAsync(BlobKey key, BlobCondition? condition, CancellationToken cancellationToken) => new(Outcome<BlobMetadata>.Fail(StoreStatus.Unavailable, detail));

        public IAsyncEnumerable<BlobListing> ListAsync(BlobPrefix prefix, CancellationToken cancellationToken) => throw new NotSupportedException();

        public long GetGeneration(BlobKey key) => 0;

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
