using EdgeCache.TestKit;
using Microsoft.Extensions.Time.Testing;

namespace EdgeCache.Storage.Local.Tests;

/// <summary>Quota and retention of namespaces. The clock is the test's: the sweeper runs when a test lets time pass, or a put wakes it.</summary>
public sealed class NamespaceLimitTests : LocalStoreTest
{
    private const long KiB = 1024;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan Day = TimeSpan.FromDays(1);
    private readonly FakeTimeProvider _clock = Clock();
    private readonly Dictionary<string, NamespaceLimits> _limits = new(StringComparer.Ordinal);

    [Theory]
    [InlineData(500)]
    [InlineData(100_000)]
    public async Task A_blob_is_missing_from_the_moment_its_retention_ends(int length)
    {
        _limits["test"] = new NamespaceLimits { Retention = Day };
        await using var store = await OpenLimitedAsync();
        await store.PutAsync(Blobs.Key("old"), Blobs.Bytes(length));

        _clock.Advance(Day - TimeSpan.FromMilliseconds(1));
        (await store.GetAsync(Blobs.Key("old"))).Content.ShouldBe(Blobs.Bytes(length));
        (await store.StatAsync(Blobs.Key("old"), Cancel)).Status.ShouldBe(StoreStatus.Ok);
        (await ListAsync(store)).ShouldHaveSingleItem();

        _clock.Advance(TimeSpan.FromMilliseconds(1));
        (await store.TryGetAsync(Blobs.Key("old"))).ShouldBeNull();
        (await store.StatAsync(Blobs.Key("old"), Cancel)).Status.ShouldBe(StoreStatus.Missing);
        (await ListAsync(store)).ShouldBeEmpty();
        (await store.DeleteAsync(Blobs.Key("old"), new BlobCondition { MustExist = true }, Cancel)).Status.ShouldBe(StoreStatus.PreconditionFailed);
    }

    [Theory]
    [InlineData(500)]
    [InlineData(100_000)]
    public async Task An_expired_blob_does_not_stand_in_the_way_of_another_one(int length)
    {
        _limits["test"] = new NamespaceLimits { Retention = Day };
        await using var store = await OpenLimitedAsync();
        await store.PutAsync(Blobs.Key("a"), Blobs.Bytes(length, seed: 1));
        (await store.PutAsync(Blobs.Key("a"), Blobs.Bytes(length, seed: 2))).Status.ShouldBe(StoreStatus.Exists);
        _clock.Advance(Day);

        var put = await store.PutAsync(Blobs.Key("a"), Blobs.Bytes(length, seed: 2), new PutOptions { Condition = BlobCondition.Absent });

        put.Value.ShouldNotBeNull().Effect.ShouldBe(PutEffect.Created);
        (await store.GetAsync(Blobs.Key("a"))).Content.ShouldBe(Blobs.Bytes(length, seed: 2));
    }

    [Fact]
    public async Task An_equal_put_after_the_expiry_is_kept_as_long_as_any_other()
    {
        _limits["test"] = new NamespaceLimits { Retention = Day };
        await using var store = await OpenLimitedAsync();
        await store.PutAsync(Blobs.Key("a"), Blobs.Bytes(500));
        _clock.Advance(Day);
        (await store.PutAsync(Blobs.Key("a"), Blobs.Bytes(500))).Value.ShouldNotBeNull().Effect.ShouldBe(PutEffect.Created);
        _clock.Advance(Day / 2);
        (await store.TryGetAsync(Blobs.Key("a"))).ShouldNotBeNull();
    }

    [Theory]
    [InlineData(500)]
    [InlineData(100_000)]
    public async Task A_deletion_of_an_expired_blob_holds_when_blobs_are_kept_longer_later(int length)
    {
        _limits["test"] = new NamespaceLimits { Retention = TimeSpan.FromSeconds(10) };
        await using (var store = await OpenLimitedAsync())
        {
            await store.PutAsync(Blobs.Key("a"), Blobs.Bytes(length));
            _clock.Advance(TimeSpan.FromSeconds(10));
            (await store.DeleteAsync(Blobs.Key("a"), null, Cancel)).Status.ShouldBe(StoreStatus.Missing);
        }
        _limits.Clear();
        File.Delete(Snapshot);
        await using var again = await OpenLimitedAsync();
        (await again.TryGetAsync(Blobs.Key("a"))).ShouldBeNull();
    }

    [Fact]
    public async Task Space_of_expired_blobs_is_freed_in_the_background_and_other_namespaces_keep_theirs()
    {
        _limits["test"] = new NamespaceLimits { Retention = Day };
        await using var store = await OpenLimitedAsync();
        for (var i = 0; i < 40; i++)
        {
            await store.PutAsync(Blobs.Key($"k{i}"), Blobs.Bytes(i % 2 == 0 ? 2000 : 100_000, seed: i));
            await store.PutAsync(Other($"k{i}"), Blobs.Bytes(3000, seed: i));
        }
        var reader = (await store.OpenReadAsync(Blobs.Key("k1"), ByteRange.Whole, Cancel)).Value.ShouldNotBeNull();
        _clock.Advance(Day + TimeSpan.FromSeconds(1));
        await PassAsync(() => UsageOf(store, "test").Bytes == 0 && BlobFiles().Length == 0);

        store.State.Blobs.ShouldBe(40);
        UsageOf(store, "test").EvictedForAge.ShouldBe(40);
        UsageOf(store, "other").EvictedForAge.ShouldBe(0);
        var content = new byte[100_000];
        await reader.ReadFullyAsync(0, content);
        content.ShouldBe(Blobs.Bytes(100_000, seed: 1), "a running read is not disturbed");
        await reader.DisposeAsync();
        for (var i = 0; i < 40; i++)
            (await store.GetAsync(Other($"k{i}"))).Content.ShouldBe(Blobs.Bytes(3000, seed: i));
    }

    [Fact]
    public async Task Limits_that_change_are_followed()
    {
        await using var store = await OpenLimitedAsync();
        await store.PutAsync(Blobs.Key("a"), Blobs.Bytes(500));
        _clock.Advance(TimeSpan.FromHours(1));
        (await store.TryGetAsync(Blobs.Key("a"))).ShouldNotBeNull();
        _limits["test"] = new NamespaceLimits { Retention = TimeSpan.FromMinutes(30) };
        await Eventually.TrueAsync(
            async () =>
            {
                _clock.Advance(TimeSpan.FromSeconds(1));
                return (await store.StatAsync(Blobs.Key("a"), Cancel)).Status == StoreStatus.Missing;
            },
            Patience,
            "the new limits are in force");
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task A_namespace_stays_below_its_quota_and_the_others_keep_what_they_have(int seed)
    {
        var random = new Random(seed);
        var quota = random.Next(300, 2000) * KiB;
        _limits["test"] = new NamespaceLimits { QuotaBytes = quota };
        await using var store = await OpenLimitedAsync();
        for (var i = 0; i < 30; i++)
            await store.PutAsync(Other($"k{i}"), Blobs.Bytes(random.Next(100_000), seed: i));
        var others = UsageOf(store, "other").Bytes;

        for (var round = 0; round < 12; round++)
        {
            await Task.WhenAll(Enumerable.Range(0, 8).Select(i => Task.Run(async () =>
            {
                var length = new Random((seed * 1000) + (round * 10) + i).Next(120_000);
                (await store.PutAsync(Blobs.Key($"{round}-{i}"), Blobs.Bytes(length, seed: i))).Status.ShouldBe(StoreStatus.Ok);
                UsageOf(store, "test").Bytes.ShouldBeLessThanOrEqualTo(quota);
            })));
            _clock.Advance(TimeSpan.FromSeconds(1));
        }
        await PassAsync(() => UsageOf(store, "test").Bytes <= quota * 0.95);

        UsageOf(store, "test").EvictedForQuota.ShouldBeGreaterThan(0);
        UsageOf(store, "other").ShouldBe(new NamespaceUsage("other", others, 0, 0, 0));
        for (var i = 0; i < 30; i++)
            (await store.TryGetAsync(Other($"k{i}"))).ShouldNotBeNull();
        // Files go after their marks are synced.
        await PassAsync(() => store.State.UsedBytes == AllocatedOnDisk() + SegmentFiles().Sum(f => new FileInfo(f).Length));
    }

    [Fact]
    public async Task A_flood_of_new_blobs_pushes_out_itself_and_not_what_is_in_use()
    {
        _limits["test"] = new NamespaceLimits { QuotaBytes = 400 * KiB };
        await using var store = await OpenLimitedAsync();
        for (var i = 0; i < 20; i++)
        {
            await store.PutAsync(Blobs.Key($"used{i}"), Blobs.Bytes(8000, seed: i));
            await store.GetAsync(Blobs.Key($"used{i}"));
        }
        for (var i = 0; i < 300; i++)
        {
            (await store.PutAsync(Blobs.Key($"new{i}"), Blobs.Bytes(8000, seed: i))).Status.ShouldBe(StoreStatus.Ok);
            _clock.Advance(TimeSpan.FromSeconds(1));
        }
        for (var i = 0; i < 20; i++)
            (await store.TryGetAsync(Blobs.Key($"used{i}"))).ShouldNotBeNull($"used{i}");
        (await store.TryGetAsync(Blobs.Key("new0"))).ShouldBeNull();
        (await store.TryGetAsync(Blobs.Key("new299"))).ShouldNotBeNull();
    }

    [Fact]
    public async Task What_was_in_use_long_ago_does_not_stay_for_ever()
    {
        _limits["test"] = new NamespaceLimits { QuotaBytes = 400 * KiB };
        await using var store = await OpenLimitedAsync();
        for (var i = 0; i < 45; i++)
        {
            (await store.PutAsync(Blobs.Key($"once{i}"), Blobs.Bytes(8000, seed: i))).Status.ShouldBe(StoreStatus.Ok);
            for (var n = 0; n < 3; n++)
                await store.StatAsync(Blobs.Key($"once{i}"), Cancel);
        }
        for (var i = 0; i < 200; i++)
        {
            (await store.PutAsync(Blobs.Key($"new{i}"), Blobs.Bytes(8000, seed: i))).Status.ShouldBe(StoreStatus.Ok);
            await store.StatAsync(Blobs.Key($"new{i}"), Cancel);
            _clock.Advance(TimeSpan.FromSeconds(1));
        }
        var left = 0;
        for (var i = 0; i < 45; i++)
            left += (await store.StatAsync(Blobs.Key($"once{i}"), Cancel)).IsOk ? 1 : 0;
        left.ShouldBe(0);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_blob_beyond_the_quota_of_its_namespace_is_refused_and_costs_the_others_nothing(bool isAnnounced)
    {
        _limits["test"] = new NamespaceLimits { QuotaBytes = 200 * KiB };
        await using var store = await OpenLimitedAsync();
        await store.PutAsync(Blobs.Key("there"), Blobs.Bytes(50_000));
        var put = await store.PutAsync(Blobs.Key("large"), Blobs.Bytes(300_000), new PutOptions { ExpectedLength = isAnnounced ? 300_000 : null });
        put.Status.ShouldBe(StoreStatus.NoSpace);
        (await store.TryGetAsync(Blobs.Key("there"))).ShouldNotBeNull();
        (await store.PutAsync(Other("large"), Blobs.Bytes(300_000))).Status.ShouldBe(StoreStatus.Ok);

        var opened = await store.OpenWriteAsync(Blobs.Key("large"), new PutOptions { ExpectedLength = 300_000 }, Cancel);
        opened.Detail.ShouldNotBeNull().ShouldContain($"the whole namespace test may take {200 * KiB}");
    }

    [Fact]
    public async Task A_blob_that_takes_most_of_the_quota_finds_room()
    {
        _limits["test"] = new NamespaceLimits { QuotaBytes = 400 * KiB };
        await using var store = await OpenLimitedAsync();
        for (var i = 0; i < 30; i++)
            await store.PutAsync(Blobs.Key($"k{i}"), Blobs.Bytes(10_000, seed: i));
        (await store.PutAsync(Blobs.Key("large"), Blobs.Bytes(380_000))).Status.ShouldBe(StoreStatus.Ok);
        (await store.TryGetAsync(Blobs.Key("large"))).ShouldNotBeNull();
        UsageOf(store, "test").Bytes.ShouldBeLessThanOrEqualTo(400 * KiB);
    }

    private Task<LocalStore> OpenLimitedAsync() =>
        OpenAsync(Options with { MaxBytes = 64 << 20, Limits = name => _limits.GetValueOrDefault(name) ?? NamespaceLimits.None }, _clock);

    private static BlobKey Other(string key) => BlobKey.Create("other", "", key);

    private static NamespaceUsage UsageOf(LocalStore store, string name) => store.State.Namespaces.Single(n => n.Name == name);

    /// <summary>Lets the sweeper run until something is so.</summary>
    private Task PassAsync(Func<bool> question) => Eventually.TrueAsync(
        () =>
        {
            _clock.Advance(TimeSpan.FromSeconds(61));
            return question();
        },
        Patience,
        "the sweeper has done its work");

    private static async Task<List<BlobListing>> ListAsync(LocalStore store)
    {
        var found = new List<BlobListing>();
        await foreach (var line in store.ListAsync(new BlobPrefix("test"), Cancel))
            found.Add(line);
        return found;
    }

    private long AllocatedOnDisk()
    {
        var sum = 0L;
        foreach (var path in BlobFiles())
        {
            try
            {
                using var file = File.OpenHandle(path);
                sum += Disk.Posix.GetAllocatedBytes(file);
            }
            catch (FileNotFoundException)
            {
                // Evicted in this instant.
            }
        }
        return sum;
    }
}
