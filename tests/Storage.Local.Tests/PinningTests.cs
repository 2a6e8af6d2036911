using System.Collections.Concurrent;
using EdgeCache.TestKit;
using Microsoft.Extensions.Time.Testing;

namespace EdgeCache.Storage.Local.Tests;

/// <summary>Blobs that nobody else has yet are not evicted, whatever the limits say.</summary>
public sealed class PinningTests : LocalStoreTest
{
    private const int MiB = 1 << 20;
    private readonly ConcurrentDictionary<BlobKey, bool> _pins = new();

    [Theory]
    [InlineData(4000, 80)]
    [InlineData(50_000, 8)]
    [InlineData(200_000, 2)]
    public async Task What_is_pinned_survives_any_pressure_and_goes_when_it_no_longer_is(int length, int count)
    {
        await using var store = await OpenPinnedAsync(2 * MiB);
        for (var i = 0; i < count; i++)
            await PutPinnedAsync(store, $"pinned{i}", Blobs.Bytes(length, seed: i));

        await PressAsync(store, 8 * MiB, length, "a");

        for (var i = 0; i < count; i++)
            (await store.GetAsync(Blobs.Key($"pinned{i}"))).Content.AsSpan().SequenceEqual(Blobs.Bytes(length, seed: i)).ShouldBeTrue($"pinned{i}");
        store.State.UsedBytes.ShouldBeLessThanOrEqualTo(2 * MiB);

        _pins.Clear();
        // By now they are among those that were asked for once: it is others of that kind that push them out.
        for (var i = 0; i < 12 * MiB / length; i++)
        {
            await store.PutAsync(Blobs.Key($"b{i}"), Blobs.Bytes(length, seed: i));
            await store.StatAsync(Blobs.Key($"b{i}"), Cancel);
        }
        (await store.StatAsync(Blobs.Key("pinned0"), Cancel)).Status.ShouldBe(StoreStatus.Missing);
    }

    [Theory]
    [InlineData(2000)]
    [InlineData(200_000)]
    public async Task A_store_full_of_pinned_blobs_has_no_space_and_loses_none(int length)
    {
        await using var store = await OpenPinnedAsync(2 * MiB);
        var kept = new List<string>();
        for (var i = 0; i < 2000 && await PutPinnedAsync(store, $"k{i}", Blobs.Bytes(length, seed: i)) == StoreStatus.Ok; i++)
            kept.Add($"k{i}");

        kept.Count.ShouldBeInRange(2 * MiB * 6 / 10 / length, 2 * MiB / length);
        for (var i = 0; i < 5; i++)
            (await store.PutAsync(Blobs.Key("next"), Blobs.Bytes(length))).Status.ShouldBe(StoreStatus.NoSpace);
        foreach (var name in kept)
            (await store.TryGetAsync(Blobs.Key(name))).ShouldNotBeNull(name);
        _pins.Clear();
        (await store.PutAsync(Blobs.Key("next"), Blobs.Bytes(length))).Status.ShouldBe(StoreStatus.Ok);
    }

    [Fact]
    public async Task What_is_pinned_survives_a_start_under_pressure()
    {
        await using (var store = await OpenPinnedAsync(2 * MiB))
        {
            for (var i = 0; i < 100; i++)
                await PutPinnedAsync(store, $"pinned{i}", Blobs.Bytes(3000, seed: i));
            await PressAsync(store, 6 * MiB, 3000, "a");
        }
        File.Delete(Snapshot);
        await using var again = await OpenPinnedAsync(2 * MiB);
        await PressAsync(again, 6 * MiB, 3000, "b");
        for (var i = 0; i < 100; i++)
            (await again.TryGetAsync(Blobs.Key($"pinned{i}"))).ShouldNotBeNull($"pinned{i}");
    }

    [Theory]
    [InlineData(3000, 150)]
    [InlineData(100_000, 12)]
    public async Task What_is_written_again_after_it_was_pinned_stays_although_it_was_just_being_evicted(int length, int rounds)
    {
        await using var store = await OpenPinnedAsync(4 * MiB);
        using var stop = new CancellationTokenSource();
        var pressure = Enumerable.Range(0, 2).Select(task => Task.Run(async () =>
        {
            for (var i = 0; !stop.IsCancellationRequested; i++)
                await store.PutAsync(Blobs.Key($"p{task}-{i}"), Blobs.Bytes(length, seed: i));
        })).ToList();
        try
        {
            for (var round = 0; round < rounds; round++)
            {
                var names = Enumerable.Range(0, 6).Select(i => $"r{round}-{i}").ToList();
                foreach (var name in names)
                    (await store.PutAsync(Blobs.Key(name), Blobs.Bytes(length))).Status.ShouldBe(StoreStatus.Ok);
                // Some are still there and not written again, some are not, and some go at this instant: from here on, all stay.
                foreach (var name in names)
                    (await PutPinnedAsync(store, name, Blobs.Bytes(length))).ShouldBe(StoreStatus.Ok);
                await Task.WhenAll(Enumerable.Range(0, 20).Select(i => store.PutAsync(Blobs.Key($"x{round}-{i}"), Blobs.Bytes(length, seed: i))));
                foreach (var name in names)
                    (await store.StatAsync(Blobs.Key(name), Cancel)).Status.ShouldBe(StoreStatus.Ok, name);
                _pins.Clear();
            }
        }
        finally
        {
            await stop.CancelAsync();
            await Task.WhenAll(pressure);
        }
    }

    [Theory]
    [InlineData(4000)]
    [InlineData(100_000)]
    public async Task What_is_pinned_stays_beyond_the_quota_and_others_go_instead(int length)
    {
        var quota = 10L * (length + 4096);
        await using var store = await OpenPinnedAsync(64 * MiB, new NamespaceLimits { QuotaBytes = quota });
        for (var i = 0; i < 4; i++)
            (await PutPinnedAsync(store, $"pinned{i}", Blobs.Bytes(length, seed: i))).ShouldBe(StoreStatus.Ok);
        for (var i = 0; i < 60; i++)
            (await store.PutAsync(Blobs.Key($"k{i}"), Blobs.Bytes(length, seed: i))).Status.ShouldBe(StoreStatus.Ok);
        for (var i = 0; i < 4; i++)
            (await store.TryGetAsync(Blobs.Key($"pinned{i}"))).ShouldNotBeNull($"pinned{i}");
        store.State.Namespaces.Single(n => n.Name == "test").Bytes.ShouldBeLessThanOrEqualTo(quota);
    }

    [Fact]
    public async Task A_quota_full_of_pinned_blobs_has_no_space_and_has_again_when_they_no_longer_are()
    {
        await using var store = await OpenPinnedAsync(64 * MiB, new NamespaceLimits { QuotaBytes = 100_000 });
        var count = 0;
        while (await PutPinnedAsync(store, $"k{count}", Blobs.Bytes(4000, seed: count)) == StoreStatus.Ok)
            count++;
        count.ShouldBeInRange(10, 25);
        for (var i = 0; i < count; i++)
            (await store.StatAsync(Blobs.Key($"k{i}"), Cancel)).Status.ShouldBe(StoreStatus.Ok);
        _pins.Clear();
        (await store.PutAsync(Blobs.Key("next"), Blobs.Bytes(4000))).Status.ShouldBe(StoreStatus.Ok);
    }

    [Theory]
    [InlineData(500)]
    [InlineData(100_000)]
    public async Task What_is_pinned_is_there_until_it_no_longer_is_also_when_its_retention_has_ended(int length)
    {
        var clock = Clock();
        await using var store = await OpenPinnedAsync(64 * MiB, new NamespaceLimits { Retention = TimeSpan.FromDays(1) }, clock);
        await PutPinnedAsync(store, "pinned", Blobs.Bytes(length));
        await store.PutAsync(Blobs.Key("other"), Blobs.Bytes(length));
        clock.Advance(TimeSpan.FromDays(1));
        await PassAsync(clock, () => store.State.Blobs == 1);

        (await store.GetAsync(Blobs.Key("pinned"))).Content.ShouldBe(Blobs.Bytes(length));
        _pins.Clear();
        (await store.TryGetAsync(Blobs.Key("pinned"))).ShouldBeNull();
        await PassAsync(clock, () => store.State.Blobs == 0);
    }

    private static Task PassAsync(FakeTimeProvider clock, Func<bool> until) => Eventually.TrueAsync(
        () =>
        {
            clock.Advance(TimeSpan.FromMinutes(1));
            return until();
        },
        TimeSpan.FromSeconds(20),
        "what is too old has gone");

    private Task<LocalStore> OpenPinnedAsync(long maxBytes, NamespaceLimits? limits = null, TimeProvider? time = null) => OpenAsync(
        Options with { MaxBytes = maxBytes, IsPinned = _pins.ContainsKey, Limits = _ => limits ?? NamespaceLimits.None, RoomTimeout = TimeSpan.FromSeconds(2) }, time);

    private async Task<StoreStatus> PutPinnedAsync(LocalStore store, string name, byte[] content)
    {
        _pins[Blobs.Key(name)] = true;
        var status = (await store.PutAsync(Blobs.Key(name), content)).Status;
        if (status != StoreStatus.Ok)
            _pins.TryRemove(Blobs.Key(name), out _);
        return status;
    }

    /// <summary>Writes so many bytes that nobody asks for.</summary>
    private static async Task PressAsync(LocalStore store, long bytes, int length, string prefix)
    {
        for (var i = 0; i < bytes / length; i++)
            (await store.PutAsync(Blobs.Key($"{prefix}{i}"), Blobs.Bytes(length, seed: i))).Status.ShouldBe(StoreStatus.Ok, $"{prefix}{i}");
    }
}
