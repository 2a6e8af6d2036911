using EdgeCache.Storage.Local.Tests.Simulation;

namespace EdgeCache.Storage.Local.Tests;

/// <summary>The real store on a disk that forgets one kind of sync: the matrix must see that each is needed, else it would not see it missing.</summary>
public sealed class EngineMutantTests
{
    /// <summary>A scenario that finds each, with the snapshot or without it. A full run tries every scenario.</summary>
    public static TheoryData<string, string, bool> Needed => new()
    {
        { nameof(Mutation.NoRecordSync), "small", false },
        { nameof(Mutation.NoSegmentNameSync), "small", true },
        { nameof(Mutation.NoBlobFileSync), "large", false },
        { nameof(Mutation.NoBlobFolderSync), "large", false },
        { nameof(Mutation.NoMarkSync), "last deleted", true },
        { nameof(Mutation.NoEraseSync), "failed elsewhere", true },
        { nameof(Mutation.FailedSyncsIgnored), "small", false },
    };

    /// <summary>Those that only make a start faster, or that a later sync of the same file does as well: docs/reliability.md says why.</summary>
    public static TheoryData<string> NotNeeded =>
        [nameof(Mutation.NoHeaderSync), nameof(Mutation.NoSegmentRemovalSync), nameof(Mutation.NoSnapshotSync), nameof(Mutation.NoSnapshotNameSync)];

    [Theory]
    [MemberData(nameof(Needed))]
    public async Task A_store_that_lacks_a_sync_is_found(string mutation, string scenario, bool forgetIndex)
    {
        (await IsFoundAsync(mutation, scenario, forgetIndex)).ShouldBeTrue();
        if (!EngineCrashTests.IsFull)
            return;
        foreach (var other in EngineScenarios.Names)
            await IsFoundAsync(mutation, other, forgetIndex);
    }

    [Theory]
    [MemberData(nameof(NotNeeded))]
    public async Task A_sync_that_safety_does_not_need_is_known_as_such(string mutation)
    {
        var likely = mutation == nameof(Mutation.NoSegmentRemovalSync) ? "evicted, written and deleted" : "snapshots";
        foreach (var scenario in EngineCrashTests.IsFull ? EngineScenarios.Names : [likely])
        {
            (await IsFoundAsync(mutation, scenario, forgetIndex: false)).ShouldBeFalse(scenario);
            (await IsFoundAsync(mutation, scenario, forgetIndex: true)).ShouldBeFalse(scenario);
        }
    }

    private static async Task<bool> IsFoundAsync(string mutation, string scenario, bool forgetIndex)
    {
        var which = Enum.Parse<Mutation>(mutation);
        FaultKind[] faults = which is Mutation.NoEraseSync or Mutation.FailedSyncsIgnored ? [FaultKind.IoError, FaultKind.ShortWrite] : [FaultKind.Crash];
        var report = await EngineCrashTests.Matrix(scenario, forgetIndex, files => new ForgetfulFiles(files, which), faults).RunAsync();
        CrashTable.AddMutant(mutation, scenario, forgetIndex, report.Failures.Count > 0);
        return report.Failures.Count > 0;
    }
}
