using EdgeCache.TestKit;
using Microsoft.Extensions.Time.Testing;

namespace EdgeCache.Storage.Local.Tests.Simulation;

/// <summary>The matrix finds nothing in a store that is right, and something in each that lacks a step: else it would prove nothing of a real one.</summary>
public sealed class CrashMatrixTests
{
    private static readonly DiskImage Start = DiskImage.Empty(MiniStore.Folder);

    [Fact]
    public async Task A_right_store_survives_every_crash()
    {
        var report = await Matrix(Mutant.None).RunAsync();
        report.ShouldBeSound();
        report.Calls.ShouldBeGreaterThan(20);
        report.Steps.ShouldBe(report.Calls + 1);
        report.Verified.ShouldBeGreaterThan(50);
        report.States.ShouldBeGreaterThan(report.Verified);
    }

    [Fact]
    public async Task A_right_store_survives_every_failing_call()
    {
        foreach (var always in new[] { false, true })
            (await Matrix(Mutant.None, always, FaultKind.IoError, FaultKind.NoSpace, FaultKind.ShortWrite).RunAsync()).ShouldBeSound();
    }

    [Fact]
    public async Task A_right_store_survives_a_crash_after_a_failing_call()
    {
        var report = await new CrashMatrix(Start, (disk, history) => RunAsync(disk, history, Mutant.None), Verifier(Mutant.None).VerifyAsync)
        {
            Faults = [FaultKind.IoError, FaultKind.NoSpace],
            Where = call => call.Kind is CallKind.Sync or CallKind.SyncFolder or CallKind.Write,
            CrashAfterFault = true,
            MaxStates = 30,
        }.RunAsync();
        report.ShouldBeSound();
        report.Steps.ShouldBeGreaterThan(report.Calls * report.Calls / 2);
    }

    [Theory]
    [InlineData(nameof(Mutant.NoFileSync))]
    [InlineData(nameof(Mutant.NoFolderSyncAfterPut))]
    [InlineData(nameof(Mutant.NoFolderSyncAfterDelete))]
    [InlineData(nameof(Mutant.RenameBeforeSync))]
    [InlineData(nameof(Mutant.WriteInPlace))]
    public async Task A_store_that_lacks_a_step_is_found_by_crashes(string mutant)
    {
        var report = await Matrix(Enum.Parse<Mutant>(mutant)).RunAsync();
        report.Failures.ShouldNotBeEmpty();
        // The verifier opens a right store, so what it finds is what the wrong one left.
        report.Failures.ShouldAllBe(f => f.Error is BlobDamagedException || f.Error.Message.Contains("allowed") || f.Error.Message.Contains("torn"));
    }

    [Theory]
    [InlineData(nameof(Mutant.RetryFailedSync))]
    [InlineData(nameof(Mutant.IgnoreFailedSync))]
    public async Task A_store_that_trusts_a_failed_sync_is_found_by_failures(string mutant)
    {
        var wrong = Enum.Parse<Mutant>(mutant);
        (await Matrix(wrong).RunAsync()).ShouldBeSound();
        (await Matrix(wrong, faults: FaultKind.IoError).RunAsync()).Failures.ShouldNotBeEmpty();
    }

    [Fact]
    public async Task A_failure_tells_how_to_see_it_again()
    {
        var matrix = Matrix(Mutant.NoFolderSyncAfterPut);
        var failure = (await matrix.RunAsync()).Failures[0];
        var text = failure.ToString();
        text.ShouldContain($"Crash at step {failure.Step}, seed 1, state {failure.Image!.Number}");
        text.ShouldContain("#1 Create /mini/a.tmp");
        text.ShouldContain("acknowledged");

        var (image, history) = await matrix.ReplayAsync(failure.Fault, failure.Step, failure.CrashStep, failure.Image.Number);
        image.Hash.ShouldBe(failure.Image.Hash);
        await Should.ThrowAsync<SimulatedExpectationException>(() => Verifier(Mutant.None).VerifyAsync(image, history));
    }

    [Fact]
    public async Task A_scenario_that_fails_without_a_fault_is_an_error_not_a_result()
    {
        var matrix = new CrashMatrix(Start, (_, _) => throw new NotSupportedException(), (_, _) => Task.CompletedTask);
        (await Should.ThrowAsync<InvalidOperationException>(matrix.RunAsync)).InnerException.ShouldBeOfType<NotSupportedException>();
    }

    [Fact]
    public async Task Crashes_within_the_recovery_find_a_recovery_that_is_not_safe_itself()
    {
        (await Recovering(Mutant.None).RunAsync()).ShouldBeSound();
        (await Matrix(Mutant.RewriteOnRecovery).RunAsync()).ShouldBeSound();
        var failure = (await Recovering(Mutant.RewriteOnRecovery).RunAsync()).Failures.ShouldNotBeNull()[0];
        failure.Error.ShouldBeOfType<SimulatedExpectationException>().Message.ShouldContain("within the recovery");
    }

    [Fact]
    public async Task A_scenario_that_trips_over_its_error_path_is_a_failure()
    {
        var matrix = new CrashMatrix(Start, (disk, _) => Task.Run(() => Trip(disk)), (_, _) => Task.CompletedTask);
        (await matrix.RunAsync()).Failures.ShouldHaveSingleItem().Error.ShouldBeOfType<NotSupportedException>();
        (await matrix.RunAsync()).Failures.Count.ShouldBe(1, "a second run tries all again");

        static void Trip(SimulatedDisk disk)
        {
            try
            {
                disk.SyncFolder(MiniStore.Folder);
            }
            catch (IOException)
            {
                throw new NotSupportedException();
            }
        }
    }

    [Fact]
    public async Task A_scenario_that_hangs_after_a_fault_is_a_failure()
    {
        var never = new TaskCompletionSource();
        var time = new FakeTimeProvider();
        var matrix = new CrashMatrix(Start, Scenario, (_, _) => Task.CompletedTask) { Time = time };
        (await matrix.RunAsync()).Failures.ShouldContain(f => f.Image == null && f.Error is TimeoutException);

        async Task Scenario(SimulatedDisk disk, History history)
        {
            try
            {
                disk.SyncFolder(MiniStore.Folder);
            }
            catch (IOException)
            {
                time.Advance(TimeSpan.FromHours(1));
                await never.Task;
            }
        }
    }

    private static CrashMatrix Matrix(Mutant mutant, bool always = false, params FaultKind[] faults) =>
        new(Start, (disk, history) => RunAsync(disk, history, mutant), Verifier(Mutant.None).VerifyAsync)
        {
            Faults = faults.Length == 0 ? [FaultKind.Crash] : faults,
            Always = always,
        };

    private static CrashMatrix Recovering(Mutant mutant) =>
        new(Start, (disk, history) => RunAsync(disk, history, mutant), Verifier(mutant).VerifyWithRecoveryCrashesAsync) { MaxStates = 12 };

    private static BlobStoreVerifier Verifier(Mutant mutant) => new(disk => Task.FromResult<IBlobStore>(new MiniStore(disk, mutant)));

    private static async Task RunAsync(SimulatedDisk disk, History history, Mutant mutant)
    {
        await using var store = new MiniStore(disk, mutant);
        await history.PutAsync(store, Blobs.Key("a"), Blobs.Bytes(700, seed: 1));
        await history.PutAsync(store, Blobs.Key("b"), Blobs.Bytes(3000, seed: 2));
        await history.PutAsync(store, Blobs.Key("a"), Blobs.Bytes(1500, seed: 3));
        await history.DeleteAsync(store, Blobs.Key("b"));
        await history.PutAsync(store, Blobs.Key("c"), []);
        await history.DeleteAsync(store, Blobs.Key("a"));
        await history.PutAsync(store, Blobs.Key("a"), Blobs.Bytes(100, seed: 4));
    }
}
