using EdgeCache.Storage.Tiering;
using EdgeCache.TestKit;

namespace EdgeCache.Storage.Tests.Tiering;

public sealed class SoftPurgesTests
{
    /// <summary>Two that meet in the middle of each other. In a run of so many rounds they do, some hundred times.</summary>
    private const int Rounds = 200_000;

    [Fact]
    public void A_copy_that_is_purged_again_while_it_is_found_good_stays_purged()
    {
        var key = Blobs.Key("k");
        var purges = new SoftPurges();
        var lost = 0;
        using var together = new Barrier(2);
        var confirming = new Thread(() =>
        {
            for (var round = 0; round < Rounds; round++)
            {
                together.SignalAndWait();
                purges.Remove(key, 1);
                together.SignalAndWait();
            }
        });
        confirming.Start();
        for (var round = 0; round < Rounds; round++)
        {
            purges = new SoftPurges();
            purges.TryAdd(key, 1).ShouldBeTrue();
            together.SignalAndWait();
            purges.TryAdd(key, 2).ShouldBeTrue();
            together.SignalAndWait();
            lost += purges.Find(key) == 2 ? 0 : 1;
        }
        confirming.Join();

        lost.ShouldBe(0);
    }
}
