using EdgeCache.Storage.Local.Disk;
using EdgeCache.Storage.Local.Tests.Simulation;
using EdgeCache.TestKit;
using Microsoft.Extensions.Logging.Abstractions;

namespace EdgeCache.Storage.Local.Tests;

/// <summary>A disk that fails and recovers, under a store that goes on.</summary>
public sealed class DiskTroubleTests : LocalStoreTest
{
    [Fact]
    public async Task A_store_whose_disk_fails_serves_on_says_so_and_recovers_by_itself()
    {
        var layout = new StoreLayout("/store");
        var disk = new SimulatedDisk([.. layout.Folders()]);
        var clock = Clock();
        await using var store = await LocalStore.OpenAsync(
            new LocalStoreOptions { Path = "/store", MaxBytes = 64 << 20, MinFreeBytes = 0 }, layout, disk, null, (new HashSecret(1, 2), StoreMarker.Format), clock, NullLogger.Instance);
        await store.PutAsync(Blobs.Key("before"), Blobs.Bytes(1000));

        disk.Plan(new Fault(disk.Calls + 1, FaultKind.IoError, Always: true));
        (await store.PutAsync(Blobs.Key("small"), Blobs.Bytes(1000))).Status.ShouldBe(StoreStatus.Unavailable);
        (await store.PutAsync(Blobs.Key("large"), Blobs.Bytes(200_000))).Status.ShouldBe(StoreStatus.Unavailable);
        (await store.DeleteAsync(Blobs.Key("before"), null, Cancel)).Status.ShouldBe(StoreStatus.Unavailable);
        store.State.Fault.ShouldNotBeNull();
        (await store.GetAsync(Blobs.Key("before"))).Content.ShouldBe(Blobs.Bytes(1000));

        clock.Advance(TimeSpan.FromSeconds(5));
        store.State.Fault.ShouldNotBeNull("the disk still fails");
        disk.Repair();
        await Eventually.TrueAsync(
            () =>
            {
                clock.Advance(TimeSpan.FromSeconds(2));
                return store.State.Fault is null;
            },
            TimeSpan.FromSeconds(20),
            "the store finds out that the disk takes writes again");
        (await store.PutAsync(Blobs.Key("after"), Blobs.Bytes(1000))).Status.ShouldBe(StoreStatus.Ok);
        (await store.GetAsync(Blobs.Key("after"))).Content.ShouldBe(Blobs.Bytes(1000));
    }
}
