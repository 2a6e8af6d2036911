using static EdgeCache.Storage.Local.Tests.Simulation.DiskStates;

namespace EdgeCache.Storage.Local.Tests.Simulation;

/// <summary>What a crash may do to names.</summary>
public sealed class NameCrashTests
{
    [Fact]
    public void A_synced_file_may_have_no_name_and_a_name_no_content()
    {
        var disk = NewDisk();
        disk.Put("/d/a", "x").Sync();
        disk.States().ShouldBe(["", "a=x"], ignoreOrder: true);

        var other = NewDisk();
        other.Put("/d/a", "x");
        other.States().ShouldBe(["", "a=", "a=0", "a=x"], ignoreOrder: true);
    }

    [Fact]
    public void A_rename_is_one_step()
    {
        var disk = NewDisk("/d/a", "x");
        disk.Rename("/d/a", "/d/b");
        disk.States().ShouldBe(["a=x", "b=x"], ignoreOrder: true);
        disk.SyncFolder(Folder);
        disk.States().ShouldBe(["b=x"]);
    }

    [Fact]
    public void A_rename_over_a_file_leaves_the_old_or_the_new_never_none()
    {
        var disk = NewDisk("/d/a", "o");
        disk.Put("/d/t", "n").Sync();
        disk.Rename("/d/t", "/d/a");
        disk.States().ShouldBe(["a=o", "a=o t=n", "a=n"], ignoreOrder: true);
    }

    [Fact]
    public void A_rename_before_the_content_is_synced_may_leave_the_new_name_with_nothing()
    {
        var disk = NewDisk("/d/a", "o");
        disk.Put("/d/t", "n");
        disk.Rename("/d/t", "/d/a");
        disk.SyncFolder(Folder);
        disk.Contents("/d/a").ShouldBe(["", "0", "n"], ignoreOrder: true);
    }

    [Fact]
    public void A_removal_may_be_undone_until_its_folder_is_synced()
    {
        var disk = NewDisk("/d/a", "x");
        disk.Delete("/d/a");
        disk.Exists("/d/a").ShouldBeFalse();
        disk.States().ShouldBe(["", "a=x"], ignoreOrder: true);
        disk.SyncFolder(Other);
        disk.States().Count.ShouldBe(2);
        disk.SyncFolder(Folder);
        disk.States().ShouldBe([""]);
    }

    [Fact]
    public void Changes_of_several_names_are_kept_and_lost_each_for_itself()
    {
        var disk = NewDisk("/d/a", "x");
        disk.Put("/d/b", "y").Sync();
        disk.Delete("/d/a");
        disk.States().ShouldBe(["a=x", "a=x b=y", "", "b=y"], ignoreOrder: true);
    }

    [Fact]
    public void A_rename_to_another_folder_is_durable_with_the_new_folder_and_takes_the_old_name_with_it()
    {
        var disk = NewDisk();
        disk.Put("/d/t", "x").Sync();
        disk.Rename("/d/t", "/e/b");
        disk.SyncFolder(Folder);
        disk.States().ShouldBe(["t=x", "b=x"], ignoreOrder: true);
        disk.SyncFolder(Other);
        disk.States().ShouldBe(["b=x"]);
    }

    [Fact]
    public void A_file_that_was_moved_on_durably_does_not_come_back_under_its_first_name()
    {
        var disk = NewDisk();
        disk.Put("/d/t", "x").Sync();
        disk.Rename("/d/t", "/e/b");
        disk.SyncFolder(Other);
        disk.States().ShouldBe(["b=x"]);
    }

    [Fact]
    public void A_late_rename_does_not_take_a_newer_file_of_the_old_name()
    {
        var disk = NewDisk("/d/t", "o");
        disk.Rename("/d/t", "/e/b");
        disk.Put("/d/t", "n").Sync();
        disk.SyncFolder(Folder);
        disk.States().ShouldBe(["t=n", "t=n b=o"], ignoreOrder: true);
    }

    [Fact]
    public void A_failed_folder_sync_leaves_its_changes_unsure_for_good()
    {
        var disk = NewDisk("/d/a", "x");
        disk.Put("/d/b", "y").Sync();
        disk.Plan(new Fault(disk.Calls + 1, FaultKind.IoError));
        Should.Throw<IOException>(() => disk.SyncFolder(Folder));
        disk.SyncFolder(Folder);
        disk.States().ShouldBe(["a=x", "a=x b=y"], ignoreOrder: true);

        disk.Delete("/d/b");
        disk.SyncFolder(Folder);
        disk.States().ShouldBe(["a=x"]);
    }

    [Fact]
    public void A_removed_file_can_still_be_read_through_its_handle()
    {
        var disk = NewDisk("/d/a", "x");
        using var file = disk.Open("/d/a", writable: false);
        disk.Delete("/d/a");
        disk.Put("/d/a", "y");
        file.ReadAll().ShouldBe("x");
        disk.List(Folder).ShouldBe(["a"]);
    }
}
