using EdgeCache.TestKit;

namespace EdgeCache.Storage.Log.Tests;

public sealed class FolderLockTests : LogStoreTest
{
    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(100);
    private static readonly string Self = $"process {Environment.ProcessId}";

    [Fact]
    public async Task A_folder_in_use_is_refused_after_a_second_and_the_user_is_told_by_whom()
    {
        using var clock = new StepClock();
        await using var first = await OpenAsync();
        var second = OpenAsync(time: clock);
        for (var i = 0; i < 10; i++)
            await clock.StepAsync(Step, Cancel);
        var refused = await Should.ThrowAsync<StoreUnavailableException>(() => second.WaitAsync(TimeSpan.FromSeconds(20), Cancel));
        refused.Message.ShouldContain(Self);
        refused.Message.ShouldContain(Root);
        refused.Message.ShouldContain("choose another folder");
    }

    [Fact]
    public async Task A_successor_waits_for_a_process_that_is_leaving()
    {
        using var clock = new StepClock();
        var first = await OpenAsync();
        await first.PutAsync(Blobs.Key("k"), "handed over"u8.ToArray());
        first.MarkLeaving();
        var second = OpenAsync(time: clock);
        for (var i = 0; i < 50; i++)
            await clock.StepAsync(Step, Cancel);
        second.IsCompleted.ShouldBeFalse("five seconds are less than the time-out");

        await first.DisposeAsync();
        await clock.StepAsync(Step, Cancel);

        await using var successor = await second.WaitAsync(TimeSpan.FromSeconds(20), Cancel);
        (await successor.GetAsync(Blobs.Key("k"))).Content.ShouldBe("handed over"u8.ToArray());
    }

    [Fact]
    public async Task A_process_that_says_it_leaves_and_does_not_is_not_waited_for_for_ever()
    {
        using var clock = new StepClock();
        await using var first = await OpenAsync();
        first.MarkLeaving();
        var second = OpenAsync(Options with { LockTimeout = TimeSpan.FromSeconds(3) }, clock);
        for (var i = 0; i < 30; i++)
            await clock.StepAsync(Step, Cancel);
        var refused = await Should.ThrowAsync<StoreUnavailableException>(() => second.WaitAsync(TimeSpan.FromSeconds(20), Cancel));
        refused.Message.ShouldContain(Self);
        refused.Message.ShouldContain("has not left within 3 s");
    }

    [Fact]
    public async Task The_folder_is_free_after_an_open_that_failed()
    {
        var marker = Path.Combine(Root, "edgecache-store.json");
        await File.WriteAllTextAsync(marker, "garbage", Cancel);
        await Should.ThrowAsync<StoreUnavailableException>(() => OpenAsync());
        File.Delete(marker);
        using var clock = new StepClock();
        await using var store = await OpenAsync(time: clock).WaitAsync(TimeSpan.FromSeconds(20), Cancel);
    }
}
