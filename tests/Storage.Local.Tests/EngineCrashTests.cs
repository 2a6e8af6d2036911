using EdgeCache.Storage.Local.Files;
using EdgeCache.Storage.Local.Tests.Simulation;
using EdgeCache.TestKit;

namespace EdgeCache.Storage.Local.Tests;

/// <summary>
/// The real store on a simulated disk: crashed at every call, reopened on what the crash can have left, with and without the index's snapshot. EDGECACHE_CRASH_STATES (states verified a
/// step) makes it a full run, EDGECACHE_CRASH_REPORT names a file for the table of what was tried.
/// </summary>
public sealed class EngineCrashTests
{
    private const int FewStates = 6;
    private static readonly BlobKey[] Keys = [.. ((string[])["a", "b", "c", "d"]).Select(k => Blobs.Key(k))];
    private static readonly int? FullStates = int.TryParse(Environment.GetEnvironmentVariable("EDGECACHE_CRASH_STATES"), out var states) ? states : null;

    /// <summary>Whether to try all that there is, for as long as it takes.</summary>
    internal static bool IsFull => FullStates is not null;

    internal static int MaxStates => FullStates ?? FewStates;

    public static TheoryData<string> Scenarios => [.. EngineScenarios.Names];

    public static TheoryData<string> RebuiltMeanwhile => IsFull ? [.. EngineScenarios.Names.Where(n => n != EngineScenarios.Takeover)] : ["sizes change", "compaction", "deleted while emptied", "evicted large", "reopened"];

    public static TheoryData<string> Recovering => IsFull ? Scenarios : ["last deleted"];

    [Theory]
    [MemberData(nameof(Scenarios))]
    public Task No_crash_loses_or_tears_what_was_acknowledged(string scenario) => ShouldBeSoundAsync("crash", scenario, Matrix(scenario, forgetIndex: false));

    [Theory]
    [MemberData(nameof(Scenarios))]
    public Task Nor_does_one_that_costs_the_snapshot_of_the_index(string scenario) =>
        ShouldBeSoundAsync("crash, and the snapshot is lost", scenario, Matrix(scenario, forgetIndex: true));

    [Theory]
    [MemberData(nameof(Recovering))]
    public Task A_crash_within_the_next_start_is_harmless(string scenario)
    {
        var matrix = new CrashMatrix(EngineScenarios.Start(scenario), (disk, history) => EngineScenarios.RunAsync(scenario, new EngineRun(disk, history)), Verifier(forgetIndex: false).VerifyWithRecoveryCrashesAsync)
        {
            MaxStates = IsFull ? 4 : 1,
            MaxFailures = 3,
        };
        return ShouldBeSoundAsync("crash, and crashes within the next start", scenario, matrix);
    }

    [Theory]
    [MemberData(nameof(RebuiltMeanwhile))]
    public Task Nor_does_a_rebuild_while_the_store_serves(string scenario)
    {
        var matrix = new CrashMatrix(
            EngineScenarios.Start(scenario), (disk, history) => EngineScenarios.RunAsync(scenario, new EngineRun(disk, history, rebuildsWhileItServes: true)), new BlobStoreVerifier(OpenRebuildingAsync).VerifyAsync)
        {
            MaxStates = MaxStates,
            MaxFailures = 3,
        };
        return ShouldBeSoundAsync("crash, and the snapshot is lost; reads while the index is rebuilt", scenario, matrix);
    }

    internal static async Task ShouldBeSoundAsync(string trouble, string scenario, CrashMatrix matrix)
    {
        var report = await matrix.RunAsync();
        CrashTable.Add(trouble, scenario, report);
        report.ShouldBeSound();
        report.States.ShouldBeGreaterThan(10, "a scenario without states shows nothing");
    }

    internal static CrashMatrix Matrix(string scenario, bool forgetIndex, params FaultKind[] faults) => Matrix(scenario, forgetIndex, files => files, faults, crashAfterFault: false);

    /// <summary>The matrix of a scenario, for a store that sees the disk through a wrapper; the store that verifies sees it as it is.</summary>
    internal static CrashMatrix Matrix(
        string scenario, bool forgetIndex, Func<IFileSystem, IFileSystem> wrap, FaultKind[] faults, bool crashAfterFault = false, int? maxStates = null, bool staysFull = false) =>
        new(EngineScenarios.Start(scenario), (disk, history) => EngineScenarios.RunAsync(scenario, new EngineRun(wrap(disk), history)), Verifier(forgetIndex).VerifyAsync)
        {
            MaxStates = maxStates ?? MaxStates,
            Faults = faults.Length == 0 ? [FaultKind.Crash] : faults,
            CrashAfterFault = crashAfterFault,
            Always = staysFull,
            Where = staysFull ? call => call.Kind is CallKind.Create or CallKind.Write : null,
            MaxFailures = 3,
        };

    private static BlobStoreVerifier Verifier(bool forgetIndex) => new(files => OpenAsync(files, forgetIndex));

    private static async Task<IBlobStore> OpenAsync(IFileSystem files, bool forgetIndex)
    {
        if (forgetIndex)
            files.Delete(EngineRun.Layout.Snapshot);
        return await EngineRun.OpenAsync(files);
    }

    /// <summary>Opens without an index, and reads while it is rebuilt: what is read then must be what is there in the end.</summary>
    private static async Task<IBlobStore> OpenRebuildingAsync(IFileSystem files)
    {
        files.Delete(EngineRun.Layout.Snapshot);
        var store = await EngineRun.OpenAsync(files, rebuildsWhileItServes: true);
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
                throw new SimulatedExpectationException($"{key} was read with another version while the index was rebuilt.");
        }
        return store;
    }
}
