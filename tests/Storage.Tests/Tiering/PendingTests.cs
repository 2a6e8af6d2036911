using EdgeCache.Storage.Tiering;
using EdgeCache.TestKit;
using EdgeCache.TestKit.Stores;

namespace EdgeCache.Storage.Tests.Tiering;

/// <summary>What is acknowledged and only here: nothing that the far store has takes its place.</summary>
public sealed class PendingTests : TierTest
{
    private static readonly BlobKey Key = Blobs.Key("k");
    private static readonly PutOptions Replace = new() { Replace = true };

    public PendingTests() => Policy = new TierPolicy { WriteBack = true, FreshFor = TimeSpan.Zero };

    [Fact]
    public async Task A_disk_that_can_not_read_it_now_does_not_make_the_far_stores_older_version_the_present_one()
    {
        await FarStore.PutAsync(Key, "old"u8.ToArray());
        await Tiers.PutAsync(Key, "new"u8.ToArray(), Replace);
        Near.Before = (call, _) => new(call is StoreCall.OpenRead or StoreCall.Stat ? StoreStatus.Unavailable : StoreStatus.Ok);
        (await StatusAsync(Key)).ShouldBe(StoreStatus.Unavailable);
        (await Tiers.StatAsync(Key, Cancel)).Status.ShouldBe(StoreStatus.Unavailable);
        await SettledAsync();
        Near.Before = null;
        (await Tiers.GetAsync(Key)).Content.ShouldBe("new"u8.ToArray());
        (await NearStore.GetAsync(Key)).Content.ShouldBe("new"u8.ToArray());
    }

    [Fact]
    public async Task A_fetch_that_takes_the_stamp_of_a_write_back_for_that_of_the_copy_before_it_does_not_replace_it()
    {
        await FarStore.PutAsync(Key, "one"u8.ToArray());
        await Tiers.GetAsync(Key);
        await SettledAsync();
        await FarStore.PutAsync(Key, "two, by another node"u8.ToArray(), Replace);

        // The first question is whether the copy is fresh; the second is asked right before the stamp is read.
        var (asked, isWriting) = (0, false);
        PolicyAsked = () =>
        {
            if (isWriting || ++asked != 2)
                return;
            isWriting = true;
            Tiers.PutAsync(Key, "three"u8.ToArray(), Replace).GetAwaiter().GetResult().Value!.Stored.ShouldBe(StoredWhere.Local);
            isWriting = false;
        };
        await Tiers.GetAsync(Key).WaitAsync(Limit);
        asked.ShouldBeGreaterThan(1);
        await SettledAsync();
        (await NearStore.GetAsync(Key)).Content.ShouldBe("three"u8.ToArray());
        (await Tiers.GetAsync(Key)).Content.ShouldBe("three"u8.ToArray());
    }

    [Fact]
    public async Task It_is_looked_for_again_when_the_local_store_has_just_found_out_what_it_has()
    {
        await FarStore.PutAsync(Key, "old"u8.ToArray());
        await Tiers.PutAsync(Key, "new"u8.ToArray(), Replace);
        var (opens, stats) = (0, 0);
        Near.Before = (call, _) => new((call == StoreCall.OpenRead && ++opens <= 2) || (call == StoreCall.Stat && ++stats <= 1) ? StoreStatus.Missing : StoreStatus.Ok);
        (await Tiers.GetAsync(Key)).Content.ShouldBe("new"u8.ToArray());
        (await Tiers.StatAsync(Key, Cancel)).Value!.Sha256.ShouldBe((await NearStore.GetAsync(Key)).Metadata.Sha256);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_condition_is_not_held_against_an_older_version_when_there_is_no_room_here(bool atOpen)
    {
        var old = (await FarStore.PutAsync(Key, "old"u8.ToArray())).Value!.Metadata;
        await Tiers.PutAsync(Key, "new"u8.ToArray(), Replace);
        Near.Before = (call, _) => new(call == (atOpen ? StoreCall.OpenWrite : StoreCall.Write) ? StoreStatus.NoSpace : StoreStatus.Ok);
        var options = Replace with { Condition = new BlobCondition { AnyOf = [old.Sha256] } };
        (await Tiers.PutAsync(Key, "lost update"u8.ToArray(), options)).IsOk.ShouldBeFalse();
        (await Tiers.GetAsync(Key)).Content.ShouldBe("new"u8.ToArray());
        Outbox.Contains(Key).ShouldBeTrue();
    }

    [Fact]
    public async Task A_write_that_failed_here_does_not_have_an_old_copy_sent_over_what_another_node_wrote()
    {
        await FarStore.PutAsync(Key, "one"u8.ToArray());
        await Tiers.GetAsync(Key);
        await SettledAsync();
        await FarStore.PutAsync(Key, "two, by another node"u8.ToArray(), Replace);
        Near.Before = (call, _) => new(call == StoreCall.Commit ? StoreStatus.NoSpace : StoreStatus.Ok);
        (await Tiers.PutAsync(Key, "three"u8.ToArray(), Replace)).IsOk.ShouldBeFalse();
        Near.Before = null;
        Outbox.Contains(Key).ShouldBeFalse();
        (await Tiers.GetAsync(Key)).Content.ShouldBe("two, by another node"u8.ToArray());
    }
}
