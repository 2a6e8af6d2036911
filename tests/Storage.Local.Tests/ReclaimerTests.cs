using EdgeCache.Storage.Local.Disk;
using EdgeCache.Storage.Local.Segments;
using EdgeCache.Storage.Local.Tests.Simulation;
using EdgeCache.TestKit;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace EdgeCache.Storage.Local.Tests;

/// <summary>The loop that makes room, with segments that are emptied as a test says.</summary>
public sealed class ReclaimerTests : IAsyncDisposable
{
    private const long Max = 64_000_000;
    private static readonly LocalStoreOptions Options = new() { Path = "/store", MaxBytes = Max };
    private readonly FakeTimeProvider _time = new();
    private readonly SegmentSet _segments;
    private readonly SpaceAccount _space;
    private readonly LogWriter _log;
    private Func<Segment, ValueTask<EmptyResult>> _empty;
    private bool _isDiskFull;
    private readonly Reclaimer _reclaimer;

    public ReclaimerTests()
    {
        var layout = new StoreLayout("/store");
        var disk = new SimulatedDisk(layout.Folders());
        _segments = new SegmentSet(layout.Segments, disk, new HashSecret(1, 2));
        _space = new SpaceAccount(Options, disk, _time);
        _log = new LogWriter(_segments, Max / 64, Max / 64, _ => { });
        _empty = Remove;
        _reclaimer = new Reclaimer(Options, _space, _segments, _log, (segment, keepAll) => keepAll && _isDiskFull ? new(EmptyResult.NoRoom) : _empty(segment), Task.CompletedTask, _time, NullLogger.Instance);
        for (var i = 0; i < 64; i++)
        {
            var segment = _segments.Create(SegmentClass.Probation);
            segment.AddLive(Max);
            segment.Seal();
        }
        _space.AddUsed(Max);
    }

    public async ValueTask DisposeAsync()
    {
        await _reclaimer.DisposeAsync();
        await _log.DisposeAsync();
        _segments.Dispose();
    }

    [Fact]
    public async Task A_failure_that_nobody_foresaw_does_not_end_it()
    {
        _empty = _ => throw new InvalidOperationException("A fault of ours.");
        (await _reclaimer.MakeRoomAsync(1000, Options.RoomTimeout, default)).ShouldBeFalse("who waits is told at once");
        _empty = Remove;
        var next = _reclaimer.MakeRoomAsync(1000, TimeSpan.FromDays(1), default).AsTask();
        await Eventually.TrueAsync(
            () =>
            {
                _time.Advance(TimeSpan.FromSeconds(1));
                return next.IsCompleted;
            },
            TimeSpan.FromSeconds(20),
            "it goes on after a pause");
        (await next).ShouldBeTrue();
    }

    [Fact]
    public async Task A_pass_that_is_running_is_not_the_answer_to_a_later_question()
    {
        var (inPass, goOn, passes) = (new TaskCompletionSource(), new TaskCompletionSource(), 0);
        _empty = async segment =>
        {
            if (Volatile.Read(ref passes) > 0)
                return await Remove(segment);
            inPass.TrySetResult();
            await goOn.Task;
            // All of the first pass fails.
            if (_segments.List()[^1] == segment)
                Interlocked.Increment(ref passes);
            return EmptyResult.Failed;
        };
        var first = _reclaimer.MakeRoomAsync(1000, Options.RoomTimeout, default).AsTask();
        await inPass.Task;
        var second = _reclaimer.MakeRoomAsync(1000, Options.RoomTimeout, default).AsTask();
        goOn.SetResult();
        (await first).ShouldBeFalse();
        (await second).ShouldBeTrue("it asked after the first pass had begun");
    }

    [Fact]
    public async Task Many_who_wait_do_not_empty_the_store()
    {
        var (inPass, goOn) = (new TaskCompletionSource(), new TaskCompletionSource());
        _empty = async segment =>
        {
            inPass.TrySetResult();
            await goOn.Task;
            return await Remove(segment);
        };
        var waiters = Enumerable.Range(0, 200).Select(_ => _reclaimer.MakeRoomAsync(Max / 100, Options.RoomTimeout, default).AsTask()).ToList();
        await inPass.Task;
        goOn.SetResult();
        (await Task.WhenAll(waiters)).ShouldAllBe(freed => freed);
        _space.Used.ShouldBeGreaterThan(Max * 7 / 10);
    }

    [Fact]
    public async Task A_single_one_gets_room_whatever_it_asks_for()
    {
        (await _reclaimer.MakeRoomAsync(Max * 9 / 10, Options.RoomTimeout, default)).ShouldBeTrue();
        _space.Used.ShouldBeLessThanOrEqualTo(Max / 10);
    }

    [Fact]
    public async Task On_a_full_file_system_also_nearly_empty_segments_are_evicted()
    {
        _isDiskFull = true;
        foreach (var segment in _segments.List())
            segment.AddLive(-Max);
        (await _reclaimer.MakeRoomAsync(1000, Options.RoomTimeout, default)).ShouldBeTrue();
        _space.Used.ShouldBeLessThan(Max);
    }

    [Fact]
    public async Task What_comes_in_goes_behind_what_stays()
    {
        var stays = new Queue<uint>([1, 2, 3, 4, 5]);
        var removed = new List<uint>();
        _empty = segment =>
        {
            if (stays.TryPeek(out var next) && next == segment.Id)
                return new(stays.Dequeue() == next ? EmptyResult.Stays : EmptyResult.Failed);
            removed.Add(segment.Id);
            return Remove(segment);
        };
        (await _reclaimer.MakeRoomAsync(Max * 9 / 10, Options.RoomTimeout, default)).ShouldBeTrue();
        stays.ShouldBeEmpty();
        var young = _segments.Create(SegmentClass.Main);
        young.AddLive(Max);
        young.Seal();
        _space.AddUsed(Max / 64);

        (await _reclaimer.MakeRoomAsync(Max, Options.RoomTimeout, default)).ShouldBeTrue();

        removed[^6..].ShouldBe([1, 2, 3, 4, 5, young.Id]);
    }

    private ValueTask<EmptyResult> Remove(Segment segment)
    {
        _segments.Remove(segment);
        _space.AddUsed(-Max / 64);
        return new(EmptyResult.Removed);
    }
}
