using EdgeCache.Storage.Resilience;
using EdgeCache.TestKit;
using EdgeCache.TestKit.Stores;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace EdgeCache.Storage.Tests.Tiering;

public sealed class ResilientStoreTests : IAsyncDisposable
{
    private static readonly BlobKey Key = Blobs.Key("k");
    private readonly FakeTimeProvider _clock = new();
    private readonly FaultyStore _far;
    private readonly ResilienceOptions _options = new();
    private readonly ResilientStore _store;

    public ResilientStoreTests()
    {
        _far = new FaultyStore(new MemoryStore(StoredWhere.Far, _clock));
        _store = new ResilientStore(_far, _options, _clock, NullLogger.Instance);
    }

    public ValueTask DisposeAsync() => _store.DisposeAsync();

    [Fact]
    public async Task A_store_that_is_only_written_to_is_tried_again_when_the_break_is_over()
    {
        _far.Before = (call, _) => new(call == StoreCall.OpenWrite ? StoreStatus.Ok : StoreStatus.Unavailable);
        for (var i = 0; i < 2 * _options.MinimumCalls; i++)
            (await _store.PutAsync(Key, [])).Status.ShouldBe(StoreStatus.Unavailable);
        var opened = _far.Count(StoreCall.OpenWrite);
        opened.ShouldBeLessThan(2 * _options.MinimumCalls, "the circuit is open");
        _far.Before = null;
        (await _store.PutAsync(Key, [])).Status.ShouldBe(StoreStatus.Unavailable, "the break is not over");
        _far.Count(StoreCall.OpenWrite).ShouldBe(opened);
        _clock.Advance(_options.BreakDuration + TimeSpan.FromSeconds(1));
        (await _store.PutAsync(Key, [1])).Status.ShouldBe(StoreStatus.Ok);
        _store.State.Fault.ShouldBeNull();
    }
}
