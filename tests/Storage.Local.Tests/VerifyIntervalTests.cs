using EdgeCache.Storage.Local.Tests.Format;
using EdgeCache.TestKit;

namespace EdgeCache.Storage.Local.Tests;

/// <summary>What was verified once is verified again after a while, so that what a disk alters meanwhile is found, and not served.</summary>
public sealed class VerifyIntervalTests : LocalStoreTest
{
    private static readonly TimeSpan Interval = TimeSpan.FromHours(6);
    private static readonly byte[] Small = Blobs.Bytes(4000);
    private static readonly byte[] Large = Blobs.Bytes(2_500_000);

    [Fact]
    public async Task A_record_that_is_damaged_after_its_first_verification_is_found_after_the_interval()
    {
        var clock = Clock();
        await using var store = await OpenAsync(Options with { MemoryTierBytes = 0, VerifyInterval = Interval }, clock);
        await store.PutAsync(Blobs.Key("small"), Small);
        await store.GetAsync(Blobs.Key("small"));
        await DamageSmallAsync();
        clock.Advance(Interval);

        (await store.TryGetAsync(Blobs.Key("small"))).ShouldBeNull();
        store.State.DamagedBlobs.ShouldBe(1);
        store.State.Blobs.ShouldBe(0);
        (await store.PutAsync(Blobs.Key("small"), Small)).Value.ShouldNotBeNull().Effect.ShouldBe(PutEffect.Created);
        (await store.GetAsync(Blobs.Key("small"))).Content.ShouldBe(Small);
        store.State.DamagedBlobs.ShouldBe(1);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    public async Task A_file_that_is_damaged_after_its_first_verification_is_cut_short_and_put_aside_after_the_interval(int reads)
    {
        var clock = Clock();
        await using var store = await OpenAsync(Options with { VerifyInterval = Interval }, clock);
        await store.PutAsync(Blobs.Key("large"), Large);
        for (var i = 0; i < reads; i++)
            await store.GetAsync(Blobs.Key("large"));
        await FlipAsync(BlobFile(), 1_500_000);
        clock.Advance(Interval);

        await Should.ThrowAsync<BlobDamagedException>(async () => await store.TryGetAsync(Blobs.Key("large")));
        (await store.TryGetAsync(Blobs.Key("large"))).ShouldBeNull();
        store.State.DamagedBlobs.ShouldBe(1);
        BlobFiles().ShouldBeEmpty();
        Directory.GetFiles(QuarantineFolder).ShouldHaveSingleItem();
        (await store.PutAsync(Blobs.Key("large"), Large)).Value.ShouldNotBeNull().Effect.ShouldBe(PutEffect.Created);
        (await store.GetAsync(Blobs.Key("large"))).Content.ShouldBe(Large);
    }

    [Fact]
    public async Task A_good_blob_is_good_after_the_interval_and_nothing_is_counted()
    {
        var clock = Clock();
        await using var store = await OpenAsync(Options with { VerifyInterval = Interval }, clock);
        await store.PutAsync(Blobs.Key("small"), Small);
        await store.PutAsync(Blobs.Key("large"), Large);
        for (var i = 0; i < 5; i++)
        {
            (await store.GetAsync(Blobs.Key("small"))).Content.ShouldBe(Small);
            (await store.GetAsync(Blobs.Key("large"))).Content.ShouldBe(Large);
            clock.Advance(Interval / 2);
        }
        await store.DeleteAsync(Blobs.Key("large"), null, Cancel);
        store.State.DamagedBlobs.ShouldBe(0);
    }

    [Fact]
    public async Task A_verification_by_a_clock_that_was_ahead_does_not_count()
    {
        var clock = Clock();
        clock.Advance(TimeSpan.FromDays(300));
        await using var store = await OpenAsync(Options with { MemoryTierBytes = 0, VerifyInterval = Interval }, clock);
        await store.PutAsync(Blobs.Key("small"), Small);
        await store.GetAsync(Blobs.Key("small"));
        await DamageSmallAsync();
        clock.AdjustTime(Clock().GetUtcNow());
        (await store.TryGetAsync(Blobs.Key("small"))).ShouldBeNull();
    }

    [Fact]
    public async Task What_gets_into_memory_is_verified_then_however_young_the_last_verification_is()
    {
        await using var store = await OpenAsync(Options with { VerifyInterval = TimeSpan.Zero });
        await store.PutAsync(Blobs.Key("small"), Small);
        await store.GetAsync(Blobs.Key("small"));
        await DamageSmallAsync();
        (await store.TryGetAsync(Blobs.Key("small"))).ShouldBeNull("the second read is the one that would put it there");
        store.State.MemoryTier.Blobs.ShouldBe(0);
        store.State.DamagedBlobs.ShouldBe(1);
    }

    [Fact]
    public async Task What_is_in_memory_is_served_whatever_happens_to_the_disk()
    {
        var clock = Clock();
        await using var store = await OpenAsync(Options with { VerifyInterval = Interval }, clock);
        await store.PutAsync(Blobs.Key("small"), Small);
        for (var i = 0; i < 3; i++)
            await store.GetAsync(Blobs.Key("small"));
        await DamageSmallAsync();
        clock.Advance(Interval * 2);
        (await store.GetAsync(Blobs.Key("small"))).Content.ShouldBe(Small);
    }

    private async Task DamageSmallAsync()
    {
        var (offset, length) = FileReading.Records(SegmentFile())[0];
        await FlipAsync(SegmentFile(), offset + (length / 2));
    }
}
