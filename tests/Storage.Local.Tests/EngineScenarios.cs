using EdgeCache.Storage.Local.Tests.Simulation;
using EdgeCache.TestKit;

namespace EdgeCache.Storage.Local.Tests;

/// <summary>What the store is made to do while it is crashed at every call.</summary>
internal static class EngineScenarios
{
    public const string Takeover = "takeover";

    private static readonly (string Key, int Length, int Seed)[] FormatOneBlobs = [("a", 500, 1), ("b", 20_000, 2), ("c", 0, 3)];

    private static readonly Dictionary<string, Func<EngineRun, Task>> All = new(StringComparer.Ordinal)
    {
        ["small"] = run => run.WithStoreAsync(() => SmallAsync(run)),
        ["large"] = run => run.WithStoreAsync(() => LargeAsync(run)),
        ["sizes change"] = run => run.WithStoreAsync(() => SizesChangeAsync(run)),
        ["same bytes"] = run => run.WithStoreAsync(() => SameBytesAsync(run)),
        ["last deleted"] = run => run.WithStoreAsync(() => LastDeletedAsync(run)),
        ["deleted twice"] = run => run.WithStoreAsync(() => DeletedTwiceAsync(run)),
        ["compaction"] = CompactionAsync,
        ["moved and deleted"] = run => run.WithStoreAsync(() => MovedAndDeletedAsync(run)),
        ["failed and deleted"] = run => run.WithStoreAsync(() => FailedAndDeletedAsync(run)),
        ["failed elsewhere"] = run => run.WithStoreAsync(() => FailedElsewhereAsync(run)),
        ["deleted while emptied"] = run => run.WithStoreAsync(() => DeletedWhileEmptiedAsync(run)),
        ["evicted, written and deleted"] = run => run.WithStoreAsync(() => EvictedWrittenAndDeletedAsync(run)),
        ["evicted small"] = run => run.WithStoreAsync(() => EvictedAsync(run, 500, 900)),
        ["evicted large"] = run => run.WithStoreAsync(() => EvictedAsync(run, 20_000, 9_000)),
        ["compressed"] = CompressedAsync,
        ["compressed later"] = CompressedLaterAsync,
        ["reopened"] = ReopenedAsync,
        ["snapshots"] = SnapshotsAsync,
        [Takeover] = TakeoverAsync,
    };

    public static IEnumerable<string> Names => All.Keys;

    public static Task RunAsync(string name, EngineRun run) => All[name](run);

    /// <summary>The disk that a scenario begins with.</summary>
    public static DiskImage Start(string name)
    {
        var disk = new SimulatedDisk([.. EngineRun.Layout.Folders()]);
        if (name != Takeover)
            return disk.EverythingKept();
        disk.Create(EngineRun.FormatOneMark).Dispose();
        foreach (var (key, length, seed) in FormatOneBlobs)
        {
            var hash = KeyHash.Of(Blobs.Key(key), EngineRun.Secret).ToString();
            using var file = disk.Create(Path.Combine(EngineRun.Layout.Root, "blobs", hash[..2], hash));
            file.Write(0, BlobImages.Make(Blobs.Key(key), Blobs.Bytes(length, seed), generation: 10 + seed));
        }
        return disk.EverythingKept();
    }

    private static async Task SmallAsync(EngineRun run)
    {
        await run.PutAsync("a", 500, 1);
        await run.PutAsync("b", 600, 2);
        await run.PutAsync("a", 700, 3);
        await run.DeleteAsync("b");
        await run.PutAsync("c", 0, 4);
    }

    private static async Task LargeAsync(EngineRun run)
    {
        await run.PutAsync("a", 20_000, 1);
        await run.PutAsync("b", 9_000, 2);
        await run.PutAsync("a", 30_000, 3);
        await run.DeleteAsync("b");
    }

    private static async Task SizesChangeAsync(EngineRun run)
    {
        await run.PutAsync("a", 500, 1);
        await run.PutAsync("a", 20_000, 2);
        await run.PutAsync("a", 600, 3);
        await run.DeleteAsync("a");
        await run.PutAsync("a", 9_000, 4);
    }

    /// <summary>The second is acknowledged without being stored, so what is there must really be there; the third is refused.</summary>
    private static async Task SameBytesAsync(EngineRun run)
    {
        await run.PutOnceAsync("a", 500, 1);
        await run.PutOnceAsync("a", 500, 1);
        await run.PutOnceAsync("b", 20_000, 2);
        await run.PutOnceAsync("b", 20_000, 2);
        await run.PutOnceAsync("a", 600, 3);
    }

    /// <summary>Nothing after the deletion syncs its segment.</summary>
    private static async Task LastDeletedAsync(EngineRun run)
    {
        await run.PutAsync("a", 500, 1);
        await run.PutAsync("b", 20_000, 2);
        await run.DeleteAsync("a");
        await run.DeleteAsync("b");
    }

    /// <summary>Should the first deletion fail half-way, the second finds nothing, and says so: that too must last.</summary>
    private static async Task DeletedTwiceAsync(EngineRun run)
    {
        await run.PutAsync("a", 500, 1);
        await run.DeleteAsync("a");
        await run.TouchAsync("a");
        await run.DeleteAsync("a");
        await run.PutAsync("b", 9_000, 2);
        await run.DeleteAsync("b");
        await run.TouchAsync("b");
        await run.DeleteAsync("b");
    }

    /// <summary>Small and large, copied, replaced by content that does not shrink, and the other way round.</summary>
    private static async Task CompressedAsync(EngineRun run)
    {
        await run.WithStoreAsync(async () =>
        {
            await run.PutTextAsync("a", 3000, 1);
            await run.PutTextAsync("b", 60_000, 2);
            await run.PutAsync("c", 9_000, 3);
            await run.PutTextAsync("c", 50_000, 4);
            await run.CompactAsync();
            await run.PutAsync("a", 500, 5);
            await run.DeleteAsync("b");
        });
        await run.WithStoreAsync(() => run.PutTextAsync("b", 2000, 6));
    }

    /// <summary>Small, large, and large that becomes small; one is deleted and one written again after it.</summary>
    private static async Task CompressedLaterAsync(EngineRun run)
    {
        await run.WithStoreAsync(async () =>
        {
            await run.DeferTextAsync("a", 3000, 1);
            await run.DeferTextAsync("b", 60_000, 2);
            await run.DeferTextAsync("c", 12_000, 3);
            await run.CompressAsync("a");
            await run.CompressAsync("b");
            await run.DeleteAsync("a");
            await run.CompressAsync("c");
            await run.CompactAsync();
            await run.PutAsync("b", 500, 4);
        });
        await run.WithStoreAsync(async () =>
        {
            await run.DeferTextAsync("b", 20_000, 5);
            await run.CompressAsync("b");
        });
    }

    private static async Task CompactionAsync(EngineRun run)
    {
        await run.WithStoreAsync(async () =>
        {
            await run.PutAsync("a", 500, 1);
            await run.PutAsync("b", 20_000, 2);
            await run.PutAsync("c", 700, 3);
            await run.PutAsync("a", 800, 4);
            await run.CompactAsync();
            await run.DeleteAsync("c");
            await run.CompactAsync();
            await run.PutAsync("c", 900, 5);
        });
        await AgainAsync(run);
    }

    private static async Task MovedAndDeletedAsync(EngineRun run)
    {
        await run.PutAsync("a", 20_000, 1);
        await run.PutAsync("b", 500, 2);
        await run.CompactAsync();
        await run.DeleteAsync("a");
        await run.PutAsync("b", 9_000, 3);
        await run.CompactAsync();
        await run.PutAsync("a", 600, 4);
        await run.DeleteAsync("b");
        await run.CompactAsync();
    }

    /// <summary>With a fault, the second write of a key may leave a record of which the deletion does not know.</summary>
    private static async Task FailedAndDeletedAsync(EngineRun run)
    {
        await run.PutAsync("a", 500, 1);
        await run.PutAsync("a", 600, 2);
        await run.DeleteAsync("a");
        await run.PutAsync("b", 500, 3);
        await run.CompactAsync();
        await run.PutAsync("b", 600, 4);
        await run.CompactAsync();
        await run.DeleteAsync("b");
        await run.CompactAsync();
    }

    /// <summary>With a fault, the write that failed is in another segment than the one that is deleted: two syncs, and neither does the other's work.</summary>
    private static async Task FailedElsewhereAsync(EngineRun run)
    {
        await run.PutAsync("a", 500, 1);
        await run.SealAsync();
        await run.PutAsync("b", 600, 2);
        await run.PutAsync("a", 700, 3);
        await run.DeleteAsync("a");
    }

    /// <summary>The copies go to a main segment that is older than what is emptied, as far as that is allowed; one is deleted while its old segment is removed.</summary>
    private static async Task DeletedWhileEmptiedAsync(EngineRun run)
    {
        await run.PutAsync("d", 500, 5);
        await run.CompactAsync();
        await run.PutAsync("b", 500, 1);
        await run.TouchAsync("b");
        await run.PutAsync("a", 600, 2);
        await run.PutAsync("a", 600, 3);
        await run.EmptyProbationAsync();
        await run.PutAsync("c", 500, 4);
        await run.TouchAsync("c");
        await run.PutAsync("a", 700, 6);
        await run.PutAsync("a", 700, 7);
        run.DeleteWhenProbationGoes("c");
        await run.EmptyProbationAsync();
        await run.DeleteAsync("b");
    }

    /// <summary>It must not come back with a segment whose removal a crash undid. No segment is made between the two removals, because that would sync the folder.</summary>
    private static async Task EvictedWrittenAndDeletedAsync(EngineRun run)
    {
        await run.PutAsync("a", 500, 1);
        await run.PutAsync("kept", 600, 2);
        await run.TouchAsync("kept");
        await run.EvictAsync("a");
        await run.PutAsync("a", 700, 3);
        await run.DeleteAsync("a");
        await run.DeleteAsync("kept");
        await run.CompactAsync();
    }

    private static async Task EvictedAsync(EngineRun run, int first, int second)
    {
        await run.PutAsync("a", first, 1);
        await run.PutAsync("b", second, 2);
        await run.PutAsync("kept", 700, 3);
        await run.TouchAsync("kept");
        await run.EvictAsync("a", "b");
        await run.PutAsync("a", second, 4);
        await run.DeleteAsync("a");
        await run.CompactAsync();
        await run.PutAsync("b", first, 5);
        await run.TouchAsync("b");
        await run.EvictAsync("kept");
    }

    private static async Task ReopenedAsync(EngineRun run)
    {
        await run.WithStoreAsync(() => SmallAsync(run));
        await AgainAsync(run);
    }

    private static Task AgainAsync(EngineRun run) => run.WithStoreAsync(async () =>
    {
        await run.PutAsync("a", 300, 6);
        await run.DeleteAsync("c");
        await run.CompactAsync();
        await run.PutAsync("d", 12_000, 7);
    });

    /// <summary>The index is written down between the changes, so a start replays from the middle.</summary>
    private static async Task SnapshotsAsync(EngineRun run)
    {
        await run.WithStoreAsync(async () =>
        {
            await run.PutAsync("a", 500, 1);
            await run.PutAsync("b", 9_000, 2);
            await run.SnapshotAsync();
            await run.PutAsync("a", 600, 3);
            await run.DeleteAsync("b");
            await run.SnapshotAsync();
            await run.CompactAsync();
            await run.DeleteAsync("a");
            await run.SnapshotAsync();
            await run.PutAsync("a", 20_000, 4);
            await run.CompactAsync();
        });
        await run.WithStoreAsync(() => run.DeleteAsync("a"));
    }

    /// <summary>A folder in which every blob is a file without a generation. What was deleted after it was taken over must not come back with its file.</summary>
    private static async Task TakeoverAsync(EngineRun run)
    {
        foreach (var (key, length, seed) in FormatOneBlobs)
            run.History.Had(Blobs.Key(key), Blobs.Bytes(length, seed));
        await run.WithStoreAsync(async () =>
        {
            await run.DeleteAsync("a");
            await run.PutAsync("b", 600, 4);
            await run.PutAsync("d", 9_000, 5);
        });
        await run.WithStoreAsync(() => run.DeleteAsync("c"));
    }
}
