using EdgeCache.Storage.Local.Disk;
using EdgeCache.Storage.Local.Files;
using EdgeCache.Storage.Local.Segments;
using EdgeCache.Storage.Local.Tests.Simulation;
using EdgeCache.TestKit;
using Microsoft.Extensions.Logging.Abstractions;

namespace EdgeCache.Storage.Local.Tests;

/// <summary>The real store on a simulated disk: crashed at every call, reopened on what the crash can have left, with and without the index's snapshot.</summary>
public sealed class EngineCrashTests
{
    private const string Root = "/store";

    // Small, so that a few blobs fill a segment and "large" begins at 8 KiB.
    private static readonly LocalStoreOptions Options = new() { Path = Root, MaxBytes = 4 << 20, MinFreeBytes = 0 };

    // Short: after a crash the rebuild never ends, and the scenario goes on.
    private static readonly LocalStoreOptions Rebuilding = Options with { ReplayAtOnceBytes = -1, RoomTimeout = TimeSpan.FromMilliseconds(100) };
    private static readonly BlobKey[] Keys = [Key("a"), Key("b"), Key("c"), Key("d")];
    private static readonly StoreLayout Layout = new(Root);
    private static readonly HashSecret Secret = new(1, 2);

    /// <summary>States verified a step; a full run sets EDGECACHE_CRASH_STATES higher.</summary>
    private static readonly int MaxStates = int.TryParse(Environment.GetEnvironmentVariable("EDGECACHE_CRASH_STATES"), out var states) ? states : 12;

    public static TheoryData<string> Scenarios => ["small", "large", "sizes change", "compaction", "reopened", "last deleted", "failed and deleted", "deleted while emptied"];

    [Theory]
    [MemberData(nameof(Scenarios))]
    public async Task No_crash_loses_or_tears_what_was_acknowledged(string scenario) =>
        (await Matrix(scenario, forgetIndex: false).RunAsync()).ShouldBeSound();

    [Theory]
    [MemberData(nameof(Scenarios))]
    public async Task Nor_does_one_that_costs_the_snapshot_of_the_index(string scenario) =>
        (await Matrix(scenario, forgetIndex: true).RunAsync()).ShouldBeSound();

    [Theory]
    [MemberData(nameof(Scenarios))]
    public async Task A_failing_disk_is_not_believed(string scenario)
    {
        var matrix = Matrix(scenario, forgetIndex: false, FaultKind.IoError, FaultKind.NoSpace, FaultKind.ShortWrite);
        (await matrix.RunAsync()).ShouldBeSound();
    }

    [Theory]
    [InlineData("failed and deleted")]
    [InlineData("compaction")]
    public async Task Nor_is_one_that_fails_and_then_costs_the_snapshot(string scenario) =>
        (await Matrix(scenario, forgetIndex: true, FaultKind.IoError, FaultKind.ShortWrite).RunAsync()).ShouldBeSound();

    [Theory]
    [InlineData("sizes change")]
    [InlineData("compaction")]
    [InlineData("reopened")]
    [InlineData("deleted while emptied")]
    public async Task Nor_does_a_rebuild_while_the_store_serves(string scenario)
    {
        var matrix = new CrashMatrix(
            DiskImage.Empty([.. Layout.Folders()]),
            (disk, history) => RunAsync(scenario, disk, history, Rebuilding),
            new BlobStoreVerifier(OpenRebuildingAsync).VerifyAsync) { MaxStates = MaxStates, MaxFailures = 3 };
        (await matrix.RunAsync()).ShouldBeSound();
    }

    private static CrashMatrix Matrix(string scenario, bool forgetIndex, params FaultKind[] faults) => Matrix(scenario, forgetIndex, files => files, faults);

    /// <summary>The matrix of a scenario, for a store that sees the disk through a wrapper; the store that verifies sees it as it is.</summary>
    internal static CrashMatrix Matrix(string scenario, bool forgetIndex, Func<IFileSystem, IFileSystem> wrap, params FaultKind[] faults) =>
        new(DiskImage.Empty([.. Layout.Folders()]), (disk, history) => RunAsync(scenario, wrap(disk), history, Options), new BlobStoreVerifier(files => OpenAsync(files, forgetIndex)).VerifyAsync)
        {
            MaxStates = MaxStates,
            Faults = faults.Length == 0 ? [FaultKind.Crash] : faults,
            MaxFailures = 3,
        };

    private static async Task<IBlobStore> OpenAsync(IFileSystem files, bool forgetIndex)
    {
        if (forgetIndex)
            files.Delete(Layout.Snapshot);
        return await OpenAsync(files, Options);
    }

    /// <summary>Opens without an index, and reads while it is rebuilt: what is read then must be what is there in the end.</summary>
    private static async Task<IBlobStore> OpenRebuildingAsync(IFileSystem files)
    {
        files.Delete(Layout.Snapshot);
        var store = await OpenAsync(files, Rebuilding);
        var seen = new HashSet<(BlobKey, Sha256Digest)>();
        do
        {
            foreach (var key in Keys)
            {
                if (await store.TryGetAsync(key) is { } blob)
                    seen.Add((key, RecordedStore.DigestOf(blob.Content)));
            }
        }
        while (!store.Rebuilt.IsCompleted);
        foreach (var (key, digest) in seen)
        {
            if (RecordedStore.DigestOf((await store.GetAsync(key)).Content) != digest)
                throw new SimulatedExpectationException($"{key} was read with an older version while the index was rebuilt.");
        }
        return store;
    }

    private static Task<LocalStore> OpenAsync(IFileSystem files, LocalStoreOptions options) =>
        LocalStore.OpenAsync(options, Layout, files, null, (Secret, StoreMarker.Format), TimeProvider.System, NullLogger.Instance);

    private static async Task RunAsync(string scenario, IFileSystem disk, History history, LocalStoreOptions options)
    {
        var hooked = new HookedFiles(disk);
        await using (var store = await OpenAsync(hooked, options))
        {
            switch (scenario)
            {
                case "large":
                    await PutAsync("a", 20_000, 1);
                    await PutAsync("b", 9_000, 2);
                    await PutAsync("a", 30_000, 3);
                    await history.DeleteAsync(store, Key("b"));
                    break;
                case "sizes change":
                    await PutAsync("a", 500, 1);
                    await PutAsync("a", 20_000, 2);
                    await PutAsync("a", 600, 3);
                    await history.DeleteAsync(store, Key("a"));
                    await PutAsync("a", 9_000, 4);
                    break;
                case "compaction":
                    await PutAsync("a", 500, 1);
                    await PutAsync("b", 20_000, 2);
                    await PutAsync("c", 700, 3);
                    await PutAsync("a", 800, 4);
                    await CompactAsync(store);
                    await history.DeleteAsync(store, Key("c"));
                    await CompactAsync(store);
                    await PutAsync("c", 900, 5);
                    break;
                case "last deleted":
                    // Nothing after the deletion syncs its segment.
                    await PutAsync("a", 500, 1);
                    await PutAsync("b", 20_000, 2);
                    await history.DeleteAsync(store, Key("a"));
                    await history.DeleteAsync(store, Key("b"));
                    break;
                case "deleted while emptied":
                    // The copy goes to a main segment that is older than what is emptied, as far as that is allowed, and takes more.
                    await PutAsync("d", 500, 5);
                    await CompactAsync(store);
                    await PutAsync("b", 500, 1);
                    await store.TryGetAsync(Key("b"));
                    for (var i = 0; i < 4; i++)
                        await PutAsync("a", 600, i);
                    await EmptyProbationAsync(store);
                    await PutAsync("c", 500, 2);
                    await store.TryGetAsync(Key("c"));
                    for (var i = 0; i < 4; i++)
                        await PutAsync("a", 700, i);
                    // Of what is emptied, and of no other: the log's own thread deletes a segment that it could not make.
                    var emptied = $"{store.Internals.Segments.List().Last(s => s.Class == SegmentClass.Probation).Id:x8}.seg";
                    hooked.OnDelete = path =>
                    {
                        if (!path.EndsWith(emptied, StringComparison.Ordinal))
                            return;
                        hooked.OnDelete = null;
                        history.DeleteAsync(store, Key("c")).GetAwaiter().GetResult();
                    };
                    await EmptyProbationAsync(store);
                    await history.DeleteAsync(store, Key("b"));
                    break;
                case "failed and deleted":
                    // With a fault, the second write of a key may leave a record of which the deletion does not know.
                    await PutAsync("a", 500, 1);
                    await PutAsync("a", 600, 2);
                    await history.DeleteAsync(store, Key("a"));
                    await PutAsync("b", 500, 3);
                    await CompactAsync(store);
                    await PutAsync("b", 600, 4);
                    await CompactAsync(store);
                    await history.DeleteAsync(store, Key("b"));
                    await CompactAsync(store);
                    break;
                default:
                    await PutAsync("a", 500, 1);
                    await PutAsync("b", 600, 2);
                    await PutAsync("a", 700, 3);
                    await history.DeleteAsync(store, Key("b"));
                    await PutAsync("c", 0, 4);
                    break;
            }

            Task PutAsync(string key, int length, int seed) => history.PutAsync(store, Key(key), Blobs.Bytes(length, seed), new PutOptions { Replace = true });
        }
        if (scenario is "reopened" or "compaction")
        {
            await using var again = await OpenAsync(disk, options);
            await history.PutAsync(again, Key("a"), Blobs.Bytes(300, 6), new PutOptions { Replace = true });
            await history.DeleteAsync(again, Key("c"));
            await CompactAsync(again);
            await history.PutAsync(again, Key("d"), Blobs.Bytes(12_000, 7), new PutOptions { Replace = true });
        }
    }

    /// <summary>What was asked for goes to the main segment, which stays active.</summary>
    private static async Task EmptyProbationAsync(LocalStore store)
    {
        var (segments, log) = store.Internals;
        await log.SealAsync(SegmentClass.Probation);
        foreach (var segment in segments.List().Where(s => s.IsSealed && s.Class == SegmentClass.Probation))
            await store.EmptyAsync(segment, keepAll: true);
    }

    private static async Task CompactAsync(LocalStore store)
    {
        if (await Task.WhenAny(store.Rebuilt, Task.Delay(TimeSpan.FromSeconds(1), TimeProvider.System)) != store.Rebuilt)
            return;
        var (segments, log) = store.Internals;
        await log.SealAsync(SegmentClass.Probation);
        await log.SealAsync(SegmentClass.Main);
        foreach (var segment in segments.List().Where(s => s.IsSealed))
            await store.EmptyAsync(segment, keepAll: true);
    }

    private static BlobKey Key(string key) => Blobs.Key(key);
}
