using EdgeCache.Storage.Local.Tests.Simulation;
using static EdgeCache.Storage.Local.Tests.EngineCrashTests;

namespace EdgeCache.Storage.Local.Tests;

/// <summary>As <see cref="EngineCrashTests"/>, with a disk that fails at every call, and goes on or does not.</summary>
public sealed class EngineFaultTests
{
    /// <summary>Where a fault leaves more behind than the first run of all shows; a full run tries them all.</summary>
    public static TheoryData<string> FailingAndForgetful => IsFull ? EngineCrashTests.Scenarios : ["failed and deleted", "compaction", "deleted while emptied", "evicted small", "evicted large", "reopened"];

    /// <summary>Every second call twice: the square of the others.</summary>
    public static TheoryData<string> Twice => IsFull ? ["small", "large", "same bytes", "deleted twice", "failed and deleted"] : ["deleted twice"];

    [Theory]
    [MemberData(nameof(EngineCrashTests.Scenarios), MemberType = typeof(EngineCrashTests))]
    public Task A_failing_disk_is_not_believed(string scenario) => ShouldBeSoundAsync("failing call", scenario, Matrix(scenario, forgetIndex: false, Failures));

    [Theory]
    [MemberData(nameof(FailingAndForgetful))]
    public Task Nor_is_one_that_fails_and_then_costs_the_snapshot(string scenario) =>
        ShouldBeSoundAsync("failing call, and the snapshot is lost", scenario, Matrix(scenario, forgetIndex: true, Failures));

    [Theory]
    [MemberData(nameof(Twice))]
    public Task Nor_is_one_that_fails_and_then_crashes(string scenario) =>
        ShouldBeSoundAsync("failing call, then a crash at each later one", scenario, Matrix(scenario, forgetIndex: true, files => files, [FaultKind.IoError], crashAfterFault: true, maxStates: IsFull ? 8 : 2));

    /// <summary>A full disk still marks and deletes; a write that does not grow a file may succeed or not.</summary>
    [Theory]
    [MemberData(nameof(EngineCrashTests.Scenarios), MemberType = typeof(EngineCrashTests))]
    public Task A_disk_that_stays_full_loses_nothing(string scenario) =>
        ShouldBeSoundAsync("disk full for good", scenario, Matrix(scenario, forgetIndex: false, files => files, [FaultKind.NoSpace], maxStates: IsFull ? MaxStates : 2, staysFull: true));

    private static FaultKind[] Failures => IsFull ? [FaultKind.IoError, FaultKind.NoSpace, FaultKind.ShortWrite] : [FaultKind.IoError, FaultKind.ShortWrite];
}
