using EdgeCache.Storage.Tiering;
using EdgeCache.TestKit;
using EdgeCache.TestKit.Stores;

namespace EdgeCache.Storage.Tests.Tiering;

/// <summary>What is remembered of what the far store said, and for how long local copies are good.</summary>
public sealed class AnswerTests : TierTest
{
    private static readonly BlobKey Key = Blobs.Key("k");

    [Fact]
    public async Task A_miss_is_remembered_for_its_time_and_corrected_by_a_write_at_once()
    {
        (await StatusAsync(Key)).ShouldBe(StoreStatus.Missing);
        (await StatusAsync(Key)).ShouldBe(StoreStatus.Missing);
        (await Tiers.StatAsync(Key, Cancel)).Status.ShouldBe(StoreStatus.Missing);
        (Far.Count(StoreCall.OpenRead) + Far.Count(StoreCall.Stat)).ShouldBe(1);
        Clock.Advance(Options.MissMemory);
        await FarStore.PutAsync(Key, Blobs.Bytes(10));
        (await StatusAsync(Key)).ShouldBe(StoreStatus.Ok);

        var other = Blobs.Key("other");
        (await StatusAsync(other)).ShouldBe(StoreStatus.Missing);
        (await Tiers.PutAsync(other, Blobs.Bytes(10))).Status.ShouldBe(StoreStatus.Ok);
        await NearStore.DeleteAsync(other, null, Cancel);
        (await StatusAsync(other)).ShouldBe(StoreStatus.Ok, "it is in the far store");
    }

    [Fact]
    public async Task A_storm_of_questions_costs_the_far_store_one()
    {
        await FarStore.PutAsync(Key, Blobs.Bytes(10));
        var point = new Point();
        Far.Before = (call, _) => call == StoreCall.Stat ? point.PassAsync() : new(StoreStatus.Ok);
        var storm = Enumerable.Range(0, 200).Select(_ => Tiers.StatAsync(Key, Cancel).AsTask()).ToList();
        await point.Reached;
        point.Open();
        (await Task.WhenAll(storm).WaitAsync(Limit)).ShouldAllBe(s => s.IsOk && s.Value!.Length == 10 && s.Value.Source == BlobSource.Far);
        (await Tiers.StatAsync(Key, Cancel)).IsOk.ShouldBeTrue();
        Far.Count(StoreCall.Stat).ShouldBe(1);
        Clock.Advance(Options.StatMemory);
        (await Tiers.StatAsync(Key, Cancel)).IsOk.ShouldBeTrue();
        Far.Count(StoreCall.Stat).ShouldBe(2);
        await Tiers.GetAsync(Key);
        await SettledAsync();
        (await Tiers.StatAsync(Key, Cancel)).Value!.Source.ShouldBe(BlobSource.Local);
    }

    [Fact]
    public async Task A_question_from_before_a_delete_is_no_answer_to_one_after_it()
    {
        await FarStore.PutAsync(Key, Blobs.Bytes(10));
        var point = new Point();
        var once = 0;
        FarContent.Tell = blob =>
        {
            // What was found is on its way when the delete happens.
            if (Interlocked.Increment(ref once) == 1)
                point.PassAsync().AsTask().GetAwaiter().GetResult();
            return blob;
        };
        var before = Task.Run(() => Tiers.StatAsync(Key, Cancel).AsTask());
        await point.Reached;
        (await Tiers.DeleteAsync(Key, null, Cancel)).Status.ShouldBe(StoreStatus.Ok);
        (await Tiers.StatAsync(Key, Cancel)).Status.ShouldBe(StoreStatus.Missing);
        point.Open();
        await before.WaitAsync(Limit);
        (await Tiers.StatAsync(Key, Cancel)).Status.ShouldBe(StoreStatus.Missing);
        (await StatusAsync(Key)).ShouldBe(StoreStatus.Missing);
    }

    [Fact]
    public async Task A_copy_is_served_while_it_is_fresh_and_then_asked_about()
    {
        Policy = new TierPolicy { FreshFor = TimeSpan.FromSeconds(10) };
        await Tiers.PutAsync(Key, "one"u8.ToArray(), new PutOptions { Replace = true });
        await FarStore.PutAsync(Key, "two"u8.ToArray(), new PutOptions { Replace = true });
        (await Tiers.GetAsync(Key)).Content.ShouldBe("one"u8.ToArray());
        (Far.Count(StoreCall.Stat) + Far.Count(StoreCall.OpenRead)).ShouldBe(0);

        Clock.Advance(TimeSpan.FromSeconds(10));
        (await Tiers.GetAsync(Key)).Content.ShouldBe("two"u8.ToArray());
        await SettledAsync();
        var asked = Far.Count(StoreCall.Stat);
        (await SourceAsync()).ShouldBe(BlobSource.Local);
        Far.Count(StoreCall.Stat).ShouldBe(asked);

        Clock.Advance(TimeSpan.FromSeconds(10));
        (await SourceAsync()).ShouldBe(BlobSource.Revalidated);
        (await SourceAsync()).ShouldBe(BlobSource.Local);
    }

    [Theory]
    [InlineData(StoreCall.OpenRead)]
    [InlineData(StoreCall.Read)]
    public async Task A_copy_is_as_old_as_the_request_that_brought_it(StoreCall slow)
    {
        Policy = new TierPolicy { FreshFor = TimeSpan.FromSeconds(10) };
        await FarStore.PutAsync(Key, "one"u8.ToArray());
        Far.Before = (call, _) =>
        {
            if (call == slow)
                Clock.Advance(TimeSpan.FromSeconds(8));
            return new(StoreStatus.Ok);
        };
        await Tiers.GetAsync(Key);
        await SettledAsync();
        Far.Before = null;
        Clock.Advance(TimeSpan.FromSeconds(1));
        (await SourceAsync()).ShouldBe(BlobSource.Local);
        Clock.Advance(TimeSpan.FromSeconds(1));
        (await SourceAsync()).ShouldBe(BlobSource.Revalidated);
    }

    [Fact]
    public async Task A_confirmation_is_as_old_as_the_question()
    {
        Policy = new TierPolicy { FreshFor = TimeSpan.FromSeconds(10) };
        await Tiers.PutAsync(Key, "one"u8.ToArray());
        Clock.Advance(TimeSpan.FromSeconds(10));
        FarContent.Tell = blob =>
        {
            Clock.Advance(TimeSpan.FromSeconds(8));
            return blob;
        };
        (await SourceAsync()).ShouldBe(BlobSource.Revalidated);
        FarContent.Tell = static blob => blob;
        Clock.Advance(TimeSpan.FromSeconds(2));
        (await SourceAsync()).ShouldBe(BlobSource.Revalidated);
        Far.Count(StoreCall.Stat).ShouldBe(2);
    }

    [Fact]
    public async Task A_head_that_finds_another_version_does_not_make_the_old_copy_fresh()
    {
        Policy = new TierPolicy { FreshFor = TimeSpan.FromSeconds(10) };
        await Tiers.PutAsync(Key, "one"u8.ToArray(), new PutOptions { Replace = true });
        await FarStore.PutAsync(Key, "longer"u8.ToArray(), new PutOptions { Replace = true });
        Clock.Advance(TimeSpan.FromSeconds(10));
        (await Tiers.StatAsync(Key, Cancel)).Value!.Length.ShouldBe(6);
        (await Tiers.GetAsync(Key)).Content.ShouldBe("longer"u8.ToArray());
    }

    [Fact]
    public async Task A_copy_that_the_far_store_has_no_more_goes_and_one_that_can_not_be_asked_about_is_stale()
    {
        Policy = new TierPolicy { FreshFor = TimeSpan.Zero };
        await Tiers.PutAsync(Key, "one"u8.ToArray(), new PutOptions { Replace = true });
        Far.Before = (_, _) => new(StoreStatus.Unavailable);
        (await SourceAsync()).ShouldBe(BlobSource.Stale);
        (await Tiers.StatAsync(Key, Cancel)).IsOk.ShouldBeTrue();
        Far.Before = null;
        await FarStore.DeleteAsync(Key, null, Cancel);
        (await StatusAsync(Key)).ShouldBe(StoreStatus.Missing);
        NearStore.Keys.ShouldBeEmpty();
    }

    [Fact]
    public async Task A_write_while_a_copy_is_asked_about_is_not_dropped_with_it()
    {
        Policy = new TierPolicy { FreshFor = TimeSpan.Zero };
        await Tiers.PutAsync(Key, "one"u8.ToArray(), new PutOptions { Replace = true });
        await FarStore.DeleteAsync(Key, null, Cancel);
        var point = new Point();
        var once = 0;
        Far.Before = (call, _) => call == StoreCall.OpenRead && Interlocked.Increment(ref once) == 1 ? point.PassAsync() : new(StoreStatus.Ok);
        var reading = Tiers.TryGetAsync(Key);
        await point.Reached;
        (await Tiers.PutAsync(Key, "two"u8.ToArray(), new PutOptions { Replace = true })).Status.ShouldBe(StoreStatus.Ok);
        point.Open();
        ((await reading.WaitAsync(Limit))?.Content ?? "two"u8.ToArray()).ShouldBe("two"u8.ToArray());
        (await Tiers.GetAsync(Key)).Content.ShouldBe("two"u8.ToArray());
        NearStore.Keys.ShouldNotBeEmpty();
    }

    private async Task<BlobSource> SourceAsync()
    {
        await using var reader = await OpenAsync(Key);
        return reader.Source;
    }
}
