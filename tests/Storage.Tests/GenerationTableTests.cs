using FsCheck;
using FsCheck.Fluent;

namespace EdgeCache.Storage.Tests;

public sealed class GenerationTableTests
{
    [Fact]
    public void A_stamp_that_is_still_the_same_means_that_nothing_happened_to_its_key() =>
        Prop.ForAll(Gen.Choose(0, 30).ArrayOf(60).ToArbitrary(), advanced =>
        {
            var table = new GenerationTable();
            var keys = Enumerable.Range(0, 31).Select(i => BlobKey.Create("ns", "", $"k{i}")).ToArray();
            for (var i = 0; i < advanced.Length; i++)
            {
                var before = keys.Select(table.Get).ToArray();
                table.Advance(keys[advanced[i]]);
                if (table.Get(keys[advanced[i]]) == before[advanced[i]])
                    return false;
            }
            return true;
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void A_stamp_stays_while_nothing_happens()
    {
        var table = new GenerationTable();
        var key = BlobKey.Create("ns", "", "k");
        table.Advance(key);
        table.Get(key).ShouldBe(table.Get(key));
    }

    [Fact]
    public async Task No_change_is_missed_while_others_change_the_same_key()
    {
        var table = new GenerationTable();
        var key = BlobKey.Create("ns", "tenant", "shared");
        using var start = new Barrier(4);
        var missed = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Factory.StartNew(
            () =>
            {
                start.SignalAndWait();
                var missed = 0;
                for (var i = 0; i < 200_000; i++)
                {
                    var before = table.Get(key);
                    table.Advance(key);
                    if (table.Get(key) <= before)
                        missed++;
                }
                return missed;
            },
            CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default)));
        missed.Sum().ShouldBe(0);
    }
}
