using static EdgeCache.Storage.Local.Tests.Simulation.DiskStates;

namespace EdgeCache.Storage.Local.Tests.Simulation;

/// <summary>Which of the possible states are told, and under which numbers.</summary>
public sealed class CrashStatesTests
{
    [Fact]
    public void Of_too_many_states_the_telling_ones_come_and_no_more_than_asked_for()
    {
        var disk = Busy();
        var states = disk.CrashStates(300, seed: 5).Select(Words).ToList();
        states.Count.ShouldBe(300);
        states.Distinct().Count().ShouldBe(300);
        states[0].ShouldBe("log=");
        states.ShouldContain(Words(disk.EverythingKept()));
        states.ShouldContain("log=abcdefghijkl");
        states.ShouldContain("log=ab");
        states.ShouldContain("log=ab0000000000000000000000");
        for (var letter = 'a'; letter <= 'x'; letter += (char)2)
        {
            var whole = "abcdefghijklmnopqrstuvwx";
            var pair = letter - 'a';
            states.ShouldContain("log=" + (letter == 'w' ? whole[..pair] : whole.Remove(pair, 2).Insert(pair, "00")), "each missing");
            states.ShouldContain("log=" + new string('0', pair) + whole[pair..(pair + 2)], "each alone");
        }
        states.ShouldContain("log=abcdefghijklmnopqrstuvw", "torn");
    }

    [Fact]
    public void The_same_seed_gives_the_same_states_under_the_same_numbers()
    {
        var one = Busy().CrashStates(400, seed: 5).ToList();
        var other = Busy().CrashStates(400, seed: 5).ToList();
        one.Select(i => (i.Number, i.Hash, i.Description)).ShouldBe(other.Select(i => (i.Number, i.Hash, i.Description)));
        one.Select(i => i.Number).ShouldBe(Enumerable.Range(0, one.Count));
        Busy().CrashStates(400, seed: 6).Select(i => i.Hash).ShouldNotBe(one.Select(i => i.Hash));
    }

    [Fact]
    public void A_state_says_what_it_has_kept()
    {
        var disk = NewDisk();
        disk.Put("/d/a", "xy");
        var torn = disk.CrashStates(100, seed: 1).Single(i => Words(i) == "a=0y");
        torn.Description.ShouldBe("1 kept, 0 lost, 1 torn of what was not synced; torn #2 Write /d/a 0+1024: sectors 1 of 2");
        disk.NothingKept().Description.ShouldContain("0 kept, 2 lost");
    }

    [Fact]
    public void A_large_write_tears_too()
    {
        var disk = NewDisk("/d/a", "");
        using var file = disk.Open("/d/a", writable: true);
        file.Write(0, new string('x', 100));
        var states = disk.CrashStates(60, seed: 1).Select(Words).ToList();
        states.ShouldContain("a=" + new string('x', 50));
        states.ShouldContain("a=" + new string('0', 50) + new string('x', 50));
        states.ShouldContain("a=x0" + new string('x', 98));
        states.Count.ShouldBeInRange(50, 60);
    }

    [Fact]
    public void The_states_are_those_of_the_instant_of_the_question()
    {
        var disk = NewDisk("/d/a", "x");
        var states = disk.CrashStates(10, seed: 1);
        disk.Delete("/d/a");
        states.Select(Words).ShouldBe(["a=x"]);
    }

    [Fact]
    public void A_disk_made_from_an_image_has_it_durable_and_leaves_the_image_alone()
    {
        var image = NewDisk("/d/a", "x").NothingKept();
        var disk = SimulatedDisk.FromImage(image);
        disk.States().ShouldBe(["a=x"]);
        disk.FreeBytes.ShouldBe(image.FreeBytes);
        using (var file = disk.Open("/d/a", writable: true))
        {
            file.Write(0, "y");
            file.Sync();
        }
        disk.Create("/e/b").Dispose();
        Words(image).ShouldBe("a=x");
        Words(disk.NothingKept()).ShouldBe("a=y");
    }

    /// <summary>A log with twelve records of two sectors that are not synced.</summary>
    private static SimulatedDisk Busy()
    {
        var disk = NewDisk("/d/log", "");
        using var file = disk.Open("/d/log", writable: true);
        for (var i = 0; i < 12; i++)
            file.Write(2 * i, $"{(char)('a' + (2 * i))}{(char)('b' + (2 * i))}");
        return disk;
    }
}
