using static EdgeCache.Storage.Local.Tests.Simulation.DiskStates;

namespace EdgeCache.Storage.Local.Tests.Simulation;

/// <summary>The fault plan, the trace, and what a real file system refuses.</summary>
public sealed class FaultPlanTests
{
    [Fact]
    public void After_the_crash_every_call_throws_and_nothing_changes()
    {
        var disk = NewDisk("/d/a", "x");
        using var file = disk.Open("/d/a", writable: true);
        disk.Plan(new Fault(disk.Calls + 1, FaultKind.Crash));
        Should.Throw<SimulatedCrashException>(() => disk.Delete("/d/a"));
        var states = disk.States();
        Action[] calls =
        [
            () => disk.Create("/d/n"), () => disk.Open("/d/a", writable: false), () => disk.Rename("/d/a", "/d/b"), () => disk.Delete("/d/a"),
            () => disk.SyncFolder(Folder), () => disk.Exists("/d/a"), () => disk.List(Folder), () => _ = disk.FreeBytes,
            () => _ = file.Length, () => file.Read(0, new byte[1]), () => file.Write(0, "y"), file.Sync,
        ];
        foreach (var call in calls)
            Should.Throw<SimulatedCrashException>(call);
        disk.HasCrashed.ShouldBeTrue();
        disk.States().ShouldBe(states);
    }

    [Fact]
    public void A_failure_comes_once_or_from_then_on_and_only_where_the_plan_says()
    {
        var disk = NewDisk();
        disk.Plan(new Fault(1, FaultKind.NoSpace));
        Should.Throw<IOException>(() => disk.Create("/d/a")).HResult.ShouldBe(Fault.Enospc);
        disk.Exists("/d/a").ShouldBeFalse();
        disk.Create("/d/a").Dispose();
        disk.Plan(new Fault(1, FaultKind.NoSpace, Always: true, call => call.Kind == CallKind.Create));
        Should.Throw<IOException>(() => disk.Create("/d/b"));
        Should.Throw<IOException>(() => disk.Create("/d/b"));
        disk.Delete("/d/a");
        disk.FaultsHit.ShouldBe(3);
    }

    [Fact]
    public void A_short_write_leaves_its_first_half()
    {
        var disk = NewDisk("/d/a", "x");
        using var file = disk.Open("/d/a", writable: true);
        disk.Plan(new Fault(disk.Calls + 1, FaultKind.ShortWrite));
        Should.Throw<IOException>(() => file.Write(1, "abcd")).HResult.ShouldBe(Fault.Enospc);
        file.ReadAll().ShouldBe("xab");
    }

    [Fact]
    public void A_full_disk_takes_no_more_until_something_is_removed()
    {
        var disk = NewDisk("/d/a", "x");
        disk.FreeBytes = 4096;
        using var file = disk.Create("/d/b");
        file.Write(0, Bytes("12345678"));
        file.AllocatedBytes.ShouldBe(4096);
        disk.FreeBytes.ShouldBe(0);
        Should.Throw<IOException>(() => file.Write(8, "9")).HResult.ShouldBe(Fault.Enospc);
        file.Write(7, "9");
        disk.Delete("/d/a");
        file.Write(8, "9");
        file.ReadAll().ShouldBe("123456799");
    }

    [Fact]
    public void The_trace_numbers_what_changes_the_disk()
    {
        var disk = NewDisk();
        disk.Plan(new Fault(3, FaultKind.IoError));
        using var file = disk.Create("/d/a");
        file.Write(0, [Bytes("x"), Bytes("y")]);
        Should.Throw<IOException>(file.Sync);
        disk.Exists("/d/a");
        disk.Calls.ShouldBe(3);
        disk.Trace().Split('\n').ShouldBe(
            ["#1 Create /d/a", "#2 Write /d/a 0+1024", "#3 Sync /d/a -> Simulated EIO at #3 Sync /d/a.", "- Exists /d/a"]);
    }

    [Fact]
    public async Task A_crash_stops_all_threads_at_one_instant()
    {
        var disk = NewDisk("/d/log", "");
        using var file = disk.Open("/d/log", writable: true);
        var before = disk.Calls;
        disk.Plan(new Fault(before + 100, FaultKind.Crash));
        await Task.WhenAll(Enumerable.Range(0, 4).Select(thread => Task.Run(() => WriteUntilTheCrash(thread), TestContext.Current.CancellationToken)));
        disk.Calls.ShouldBe(before + 100);
        disk.Trace(last: 100).Split('\n').Select(line => line.Split(' ')[0]).ShouldBe(Enumerable.Range(before + 1, 100).Select(n => $"#{n}"));

        void WriteUntilTheCrash(int thread)
        {
            Should.Throw<SimulatedCrashException>(() =>
            {
                for (var i = 0; i < 1000; i++)
                    file.Write((4 * i) + thread, "x");
            });
        }
    }

    [Fact]
    public void What_a_real_file_system_refuses_is_refused()
    {
        var disk = NewDisk("/d/a", "x");
        Should.Throw<IOException>(() => disk.Create("/d/a"));
        Should.Throw<FileNotFoundException>(() => disk.Open("/d/b", writable: false));
        Should.Throw<FileNotFoundException>(() => disk.Rename("/d/b", "/d/c"));
        Should.Throw<DirectoryNotFoundException>(() => disk.Create("/none/a"));
        disk.Delete("/d/b");
        using var file = disk.Open("/d/a", writable: false);
        Should.Throw<UnauthorizedAccessException>(() => file.Write(0, "y"));
        file.Dispose();
        Should.Throw<ObjectDisposedException>(() => file.Length);
    }
}
