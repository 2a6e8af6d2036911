using EdgeCache.Storage.Local.Files;

namespace EdgeCache.Storage.Local.Tests;

public sealed class SpaceAccountTests : LocalStoreTest
{
    [Fact]
    public async Task A_file_system_that_is_slow_to_say_how_much_is_free_holds_up_nobody_else()
    {
        using var asked = new ManualResetEventSlim();
        using var answer = new ManualResetEventSlim();
        var files = new HookedFiles(new DiskFileSystem(Root))
        {
            OnFreeBytes = () =>
            {
                asked.Set();
                answer.Wait(TimeSpan.FromSeconds(30));
                return 1 << 30;
            },
        };
        var space = new SpaceAccount(Options, files, TimeProvider.System);
        var reserving = Task.Factory.StartNew(() => space.TryReserve(10), Cancel, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        asked.Wait(TimeSpan.FromSeconds(30), Cancel).ShouldBeTrue("the system is asked");
        var other = Task.Factory.StartNew(() => space.AddUsed(1), Cancel, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        await other.WaitAsync(TimeSpan.FromSeconds(10), TimeProvider.System, Cancel);
        reserving.IsCompleted.ShouldBeFalse();
        answer.Set();
        (await reserving).ShouldBe(SpaceAccount.Answer.Granted);
        space.Taken.ShouldBe(11);
    }

    [Fact]
    public void What_was_handed_out_while_the_system_was_asked_counts()
    {
        var files = new HookedFiles(new DiskFileSystem(Root));
        var space = new SpaceAccount(Options with { MinFreeBytes = 0 }, files, TimeProvider.System);
        var depth = 0;
        files.OnFreeBytes = () =>
        {
            // Somebody else reserves between the question and the answer.
            if (depth++ == 0)
                space.TryReserve(60).ShouldBe(SpaceAccount.Answer.Granted);
            return 100;
        };
        space.TryReserve(60).ShouldBe(SpaceAccount.Answer.DiskFull);
    }
}
