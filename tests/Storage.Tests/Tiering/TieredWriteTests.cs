using EdgeCache.Storage.Tiering;
using EdgeCache.TestKit;
using EdgeCache.TestKit.Stores;

namespace EdgeCache.Storage.Tests.Tiering;

public sealed class TieredWriteTests : TierTest
{
    private static readonly BlobKey Key = Blobs.Key("k");
    private static readonly PutOptions Replace = new() { Replace = true };

    [Fact]
    public async Task Through_is_acknowledged_when_the_far_store_has_it_and_it_is_here_too()
    {
        var content = Blobs.Bytes(300_000);
        var receipt = (await Tiers.PutAsync(Key, content, new PutOptions { ContentType = "a/b", Tags = ["x"] })).Value.ShouldNotBeNull();
        (receipt.Stored, receipt.Effect).ShouldBe((StoredWhere.Far, PutEffect.Created));
        var (far, near) = (await FarStore.GetAsync(Key), await NearStore.GetAsync(Key));
        far.Content.ShouldBe(content);
        near.Content.ShouldBe(content);
        (near.Metadata.Created, near.Metadata.ContentType).ShouldBe((far.Metadata.Created, "a/b"));
        Far.Writes.ShouldHaveSingleItem().ExpectedSha256.ShouldBe(far.Metadata.Sha256, "all is known before anything is sent");
    }

    [Theory]
    [InlineData(StoreCall.OpenWrite)]
    [InlineData(StoreCall.Write)]
    [InlineData(StoreCall.Commit)]
    public async Task What_the_far_store_does_not_take_is_not_acknowledged_and_not_here(StoreCall at)
    {
        await Tiers.PutAsync(Key, "old"u8.ToArray());
        Far.Before = (call, _) => new(call == at ? StoreStatus.Unavailable : StoreStatus.Ok);
        (await Tiers.PutAsync(Key, "new"u8.ToArray(), Replace)).Status.ShouldBe(StoreStatus.Unavailable);
        (await NearStore.GetAsync(Key)).Content.ShouldBe("old"u8.ToArray());
        (await Tiers.PutAsync(Blobs.Key("other"), "x"u8.ToArray())).Status.ShouldBe(StoreStatus.Unavailable);
        (await NearStore.TryGetAsync(Blobs.Key("other"))).ShouldBeNull();
    }

    [Fact]
    public async Task The_far_store_says_who_was_first()
    {
        await FarStore.PutAsync(Key, "theirs"u8.ToArray());
        (await Tiers.PutAsync(Key, "ours"u8.ToArray())).Status.ShouldBe(StoreStatus.Exists);
        (await Tiers.PutAsync(Key, "theirs"u8.ToArray())).Value!.Effect.ShouldBe(PutEffect.Unchanged);
        (await Tiers.PutAsync(Key, "ours"u8.ToArray(), Replace with { Condition = BlobCondition.Absent })).Status.ShouldBe(StoreStatus.PreconditionFailed);
        (await Tiers.GetAsync(Key)).Content.ShouldBe("theirs"u8.ToArray());
    }

    [Fact]
    public async Task An_older_copy_does_not_outlive_a_write_that_this_node_could_not_keep()
    {
        await Tiers.PutAsync(Key, "old"u8.ToArray(), Replace);
        Near.Before = (call, _) => new(call == StoreCall.Commit ? StoreStatus.NoSpace : StoreStatus.Ok);
        (await Tiers.PutAsync(Key, "new"u8.ToArray(), Replace)).Value!.Stored.ShouldBe(StoredWhere.Far);
        Near.Before = null;
        (await Tiers.GetAsync(Key)).Content.ShouldBe("new"u8.ToArray());

        Near.Before = (call, _) => new(call is StoreCall.Commit or StoreCall.Delete ? StoreStatus.Unavailable : StoreStatus.Ok);
        (await Tiers.PutAsync(Key, "newer"u8.ToArray(), Replace)).Status.ShouldBe(StoreStatus.Unavailable, "the old copy can't be removed, so nobody may take the write for done");
    }

    [Fact]
    public async Task An_equal_write_takes_another_copy_away()
    {
        await Tiers.PutAsync(Key, "old"u8.ToArray(), Replace);
        await FarStore.PutAsync(Key, "new"u8.ToArray(), Replace);
        (await Tiers.PutAsync(Key, "new"u8.ToArray(), Replace)).Value!.Effect.ShouldBe(PutEffect.Unchanged);
        (await Tiers.GetAsync(Key)).Content.ShouldBe("new"u8.ToArray());
    }

    [Fact]
    public async Task Writes_of_one_key_end_the_same_in_both_stores()
    {
        for (var round = 0; round < 50; round++)
        {
            await Task.WhenAll(Enumerable.Range(0, 8).Select(i => Task.Run(() => Tiers.PutAsync(Key, Blobs.Bytes(1000, seed: i), Replace)))).WaitAsync(Limit);
            (await NearStore.GetAsync(Key)).Content.ShouldBe((await FarStore.GetAsync(Key)).Content);
        }
    }

    [Fact]
    public async Task Back_is_acknowledged_here_with_an_entry_in_the_outbox()
    {
        Policy = new TierPolicy { WriteBack = true, FreshFor = TimeSpan.Zero };
        Far.Before = (_, _) => new(StoreStatus.Unavailable);
        var notified = 0;
        Tiers.OnOutboxAdded = () => notified++;
        (await Tiers.PutAsync(Key, "one"u8.ToArray(), Replace)).Value!.Stored.ShouldBe(StoredWhere.Local);
        Outbox.Contains(Key).ShouldBeTrue();
        notified.ShouldBe(1);
        (await Tiers.GetAsync(Key)).Content.ShouldBe("one"u8.ToArray());
        Counts.StaleReads.ShouldBe(0, "what is here is the present version");
        (await Tiers.PutAsync(Key, "two"u8.ToArray(), Replace with { Condition = BlobCondition.Absent })).Status.ShouldBe(StoreStatus.PreconditionFailed);
        (await Tiers.PutAsync(Key, "two"u8.ToArray(), Replace with { Condition = new BlobCondition { MustExist = true } })).Value!.Stored.ShouldBe(StoredWhere.Local);
        (await Tiers.DeleteAsync(Key, BlobCondition.Absent, Cancel)).Status.ShouldBe(StoreStatus.PreconditionFailed);
    }

    [Fact]
    public async Task Back_goes_through_when_the_outbox_is_full_or_fails()
    {
        Policy = new TierPolicy { WriteBack = true, FreshFor = TimeSpan.Zero };
        Outbox.Changing = () => throw new IOException("full");
        (await Tiers.PutAsync(Key, "one"u8.ToArray(), Replace)).Value!.Stored.ShouldBe(StoredWhere.Far);
        (await FarStore.GetAsync(Key)).Content.ShouldBe("one"u8.ToArray());
    }

    [Fact]
    public async Task A_failed_write_back_leaves_the_entry_of_the_version_before()
    {
        Policy = new TierPolicy { WriteBack = true, FreshFor = TimeSpan.Zero };
        await Tiers.PutAsync(Key, "one"u8.ToArray(), Replace);
        Near.Before = (call, _) => new(call == StoreCall.Commit ? StoreStatus.NoSpace : StoreStatus.Ok);
        (await Tiers.PutAsync(Key, "two"u8.ToArray(), Replace)).IsOk.ShouldBeFalse();
        Outbox.Contains(Key).ShouldBeTrue();
        (await NearStore.GetAsync(Key)).Content.ShouldBe("one"u8.ToArray());
    }

    [Fact]
    public async Task A_delete_takes_both_copies_and_the_entry_and_fails_when_the_far_store_does()
    {
        Policy = new TierPolicy { WriteBack = true, FreshFor = TimeSpan.Zero };
        await FarStore.PutAsync(Key, "old"u8.ToArray());
        await Tiers.PutAsync(Key, "new"u8.ToArray(), Replace);
        Far.Before = (_, _) => new(StoreStatus.Unavailable);
        (await Tiers.DeleteAsync(Key, null, Cancel)).Status.ShouldBe(StoreStatus.Unavailable);
        (await Tiers.GetAsync(Key)).Content.ShouldBe("new"u8.ToArray());
        Far.Before = null;
        (await Tiers.DeleteAsync(Key, null, Cancel)).Status.ShouldBe(StoreStatus.Ok);
        (NearStore.Keys.Count, FarStore.Keys.Count, Outbox.Contains(Key)).ShouldBe((0, 0, false));
        (await Tiers.DeleteAsync(Key, null, Cancel)).Status.ShouldBe(StoreStatus.Missing);
    }

    [Fact]
    public async Task A_listing_has_what_waits_for_its_upload_too()
    {
        Policy = new TierPolicy { WriteBack = true };
        foreach (var name in new[] { "b", "d", "f" })
            await FarStore.PutAsync(Blobs.Key(name), Blobs.Bytes(1));
        foreach (var name in new[] { "a", "d", "z" })
            await Tiers.PutAsync(Blobs.Key(name), Blobs.Bytes(2), Replace);
        await NearStore.PutAsync(Blobs.Key("copy"), Blobs.Bytes(1));
        var found = new List<string>();
        await foreach (var blob in Tiers.ListAsync(new BlobPrefix("test"), Cancel))
            found.Add($"{blob.Key.Key}{blob.Length}");
        found.ShouldBe(["a2", "b1", "d2", "f1", "z2"]);
    }

    [Fact]
    public async Task A_write_that_changed_nothing_ends_what_was_remembered_and_what_is_being_fetched()
    {
        Policy = new TierPolicy { FreshFor = TimeSpan.FromMinutes(1) };
        (await StatusAsync(Key)).ShouldBe(StoreStatus.Missing);
        await FarStore.PutAsync(Key, "theirs"u8.ToArray());
        (await Tiers.PutAsync(Key, "theirs"u8.ToArray(), Replace)).Value!.Effect.ShouldBe(PutEffect.Unchanged);
        (await StatusAsync(Key)).ShouldBe(StoreStatus.Ok, "it was acknowledged");
    }
}
