using EdgeCache.Storage.Resilience;
using EdgeCache.TestKit;
using EdgeCache.TestKit.Stores;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace EdgeCache.Storage.Tests.Tiering;

public sealed class ResilientStoreTests : IAsyncDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);
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

    [Fact]
    public async Task Who_leaves_while_the_store_is_tried_again_has_not_found_it_well()
    {
        await BreakAsync();
        _clock.Advance(_options.BreakDuration + TimeSpan.FromSeconds(1));
        var (reached, open) = (new TaskCompletionSource(), new TaskCompletionSource());
        _far.Before = async (_, _) =>
        {
            reached.TrySetResult();
            await open.Task;
            return StoreStatus.Unavailable;
        };
        using var leaves = new CancellationTokenSource();
        var trying = _store.StatAsync(Key, leaves.Token).AsTask();
        await reached.Task.WaitAsync(Limit);
        await leaves.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(trying.WaitAsync(Limit));
        _store.State.Fault.ShouldNotBeNull("nobody knows yet");

        open.TrySetResult();
        var asked = _far.Count(StoreCall.Stat);
        (await _store.StatAsync(Key, CancellationToken.None)).Status.ShouldBe(StoreStatus.Unavailable);
        _far.Count(StoreCall.Stat).ShouldBe(asked, "the store is spared as before");
    }

    [Fact]
    public async Task Those_who_leave_before_a_store_answers_do_not_make_it_look_well()
    {
        var open = new TaskCompletionSource();
        _far.Before = async (_, _) =>
        {
            await open.Task;
            return StoreStatus.Unavailable;
        };
        using var leaves = new CancellationTokenSource();
        var calls = Enumerable.Range(0, _options.MinimumCalls).Select(_ => _store.StatAsync(Key, leaves.Token).AsTask()).ToList();
        await Eventually.TrueAsync(() => _far.Count(StoreCall.Stat) == calls.Count, Limit, "all are asked");
        await leaves.CancelAsync();
        foreach (var call in calls)
            await Should.ThrowAsync<OperationCanceledException>(call.WaitAsync(Limit));
        open.TrySetResult();
        await Eventually.TrueAsync(() => _store.State.Fault is not null, Limit, "that all of them failed, counts");
    }

    [Fact]
    public async Task A_reader_that_nobody_waits_for_any_more_is_closed()
    {
        var inner = new MemoryStore(StoredWhere.Far, _clock);
        await inner.PutAsync(Key, [1]);
        var far = new FaultyStore(inner);
        await using var store = new ResilientStore(far, _options, _clock, NullLogger.Instance);
        var (reached, open) = (new TaskCompletionSource(), new TaskCompletionSource());
        far.Before = async (_, _) =>
        {
            reached.TrySetResult();
            await open.Task;
            return StoreStatus.Ok;
        };
        using var leaves = new CancellationTokenSource();
        var opening = store.OpenReadAsync(Key, ByteRange.Whole, leaves.Token).AsTask();
        await reached.Task.WaitAsync(Limit);
        await leaves.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(opening.WaitAsync(Limit));
        var opened = far.Count(StoreCall.OpenRead);
        open.TrySetResult();
        await Eventually.TrueAsync(() => opened == 1 && inner.OpenReaders == 0, Limit, "the reader is closed");
    }

    private async Task BreakAsync()
    {
        _far.Before = (_, _) => new(StoreStatus.Unavailable);
        for (var i = 0; i < 2 * _options.MinimumCalls; i++)
            (await _store.StatAsync(Key, CancellationToken.None)).Status.ShouldBe(StoreStatus.Unavailable);
        _store.State.Fault.ShouldNotBeNull();
    }
}
