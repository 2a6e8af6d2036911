using static EdgeCache.Storage.Local.Tests.Simulation.DiskStates;

namespace EdgeCache.Storage.Local.Tests.Simulation;

/// <summary>What a crash may do to the content of a file.</summary>
public sealed class ContentCrashTests
{
    private const string File = "/d/a";

    [Fact]
    public void What_is_synced_with_its_folder_is_the_only_state()
    {
        NewDisk(File, "xy").States().ShouldBe(["a=xy"]);
    }

    [Fact]
    public void What_is_not_synced_is_lost_kept_torn_or_zeros()
    {
        var disk = NewDisk();
        disk.Put(File, "xy");
        disk.SyncFolder(Folder);
        disk.Contents(File).ShouldBe(["", "x", "00", "x0", "0y", "xy"], ignoreOrder: true);
    }

    [Fact]
    public void A_write_over_old_content_tears_by_the_sector()
    {
        var disk = NewDisk(File, "abc");
        disk.Open(File, writable: true).Write(0, "xyz");
        disk.Contents(File).ShouldBe(["abc", "xbc", "ayc", "abz", "xyc", "xbz", "ayz", "xyz"], ignoreOrder: true);
    }

    [Fact]
    public void A_write_that_begins_within_a_sector_is_split_at_the_sectors_of_the_file()
    {
        var disk = NewDisk(File, "aaa");
        using var file = disk.Open(File, writable: true);
        file.Write(256, Bytes("x"));
        disk.CrashStates(100, 1).Select(i => (i.Files[File].Content.Span[511], i.Files[File].Content.Span[512]))
            .ShouldBe([((byte)'a', (byte)'a'), ((byte)'x', (byte)'a'), ((byte)'a', (byte)'x'), ((byte)'x', (byte)'x')], ignoreOrder: true);
    }

    [Fact]
    public void A_later_write_may_be_kept_without_an_earlier_one_and_leaves_a_hole()
    {
        var disk = NewDisk(File, "a");
        using var file = disk.Open(File, writable: true);
        file.Write(1, "b");
        file.Write(2, "c");
        disk.Contents(File).ShouldBe(["a", "ab", "a0", "a0c", "a00", "ab0", "abc"], ignoreOrder: true);
    }

    [Fact]
    public void Two_writes_to_one_place_leave_either_or_neither()
    {
        var disk = NewDisk(File, "a");
        using var file = disk.Open(File, writable: true);
        file.Write(0, "b");
        file.Write(0, "c");
        disk.Contents(File).ShouldBe(["a", "b", "c"], ignoreOrder: true);
    }

    [Fact]
    public void A_sync_covers_what_was_written_before_it_through_any_handle()
    {
        var disk = NewDisk(File, "a");
        using var one = disk.Open(File, writable: true);
        using var other = disk.Open(File, writable: true);
        one.Write(1, "b");
        other.Sync();
        one.Write(2, "c");
        disk.Contents(File).ShouldBe(["ab", "ab0", "abc"], ignoreOrder: true);
    }

    [Fact]
    public void A_failed_sync_gives_up_its_writes_for_good_while_reads_still_see_them()
    {
        var disk = NewDisk(File, "a");
        using var file = disk.Open(File, writable: true);
        file.Write(0, "b");
        disk.Plan(new Fault(disk.Calls + 1, FaultKind.IoError));
        Should.Throw<IOException>(file.Sync).HResult.ShouldBe(Fault.Eio);
        file.Sync();
        file.ReadAll().ShouldBe("b");
        disk.Contents(File).ShouldBe(["a", "b"], ignoreOrder: true);

        file.Write(1, "c");
        file.Sync();
        disk.Contents(File).ShouldBe(["ac", "bc"], ignoreOrder: true);
    }

    [Fact]
    public void What_is_written_again_after_a_failed_sync_and_synced_is_sure()
    {
        var disk = NewDisk(File, "abc");
        using var file = disk.Open(File, writable: true);
        file.Write(0, "xyz");
        disk.Plan(new Fault(disk.Calls + 1, FaultKind.IoError));
        Should.Throw<IOException>(file.Sync);
        file.Write(1, "y");
        file.Sync();
        disk.Contents(File).ShouldBe(["ayc", "xyc", "ayz", "xyz"], ignoreOrder: true);
        file.Write(256, Bytes("qq"));
        file.Sync();
        disk.CrashStates(100, 1).Select(i => (char)i.Files[File].Content.Span[255]).Distinct().ShouldBe(['a', 'x'], ignoreOrder: true);
        disk.CrashStates(100, 1).Select(i => (char)i.Files[File].Content.Span[256]).Distinct().ShouldBe(['q']);
    }

    [Fact]
    public void A_sync_on_its_way_at_the_crash_has_made_nothing_sure()
    {
        var disk = NewDisk(File, "a");
        using var file = disk.Open(File, writable: true);
        file.Write(0, "b");
        disk.Plan(new Fault(disk.Calls + 1, FaultKind.Crash));
        Should.Throw<SimulatedCrashException>(file.Sync);
        disk.Contents(File).ShouldBe(["a", "b"], ignoreOrder: true);
    }

    [Fact]
    public void A_write_on_its_way_at_the_crash_may_have_happened()
    {
        var disk = NewDisk(File, "a");
        using var file = disk.Open(File, writable: true);
        disk.Plan(new Fault(disk.Calls + 1, FaultKind.Crash));
        Should.Throw<SimulatedCrashException>(() => file.Write(0, "b"));
        disk.Contents(File).ShouldBe(["a", "b"], ignoreOrder: true);
    }
}
