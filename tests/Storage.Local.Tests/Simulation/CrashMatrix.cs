namespace EdgeCache.Storage.Local.Tests.Simulation;

/// <summary>
/// Runs a scenario once for every call that changes the disk, with a fault at that call, and verifies every state that a crash can then leave.
/// With <see cref="FaultKind.Crash"/> the crash is the fault itself; with another fault the scenario goes on, and the crash comes at its end.
/// </summary>
/// <remarks>
/// What it needs of a scenario and its engine:
/// <list type="bullet">
/// <item>One operation at a time. The engine may have threads: the disk stops as one, so a crash needs no quiet. If the calls come in another order in
/// each run, the matrix is still right, but a failure may not repeat: then its trace tells what happened.</item>
/// <item>It opens the store on the disk it is given and closes it before it returns (await using). What still runs afterwards finds the disk stopped; what it
/// would have done is then not tried. A clean close is part of the scenario, and crashes are tried within it.</item>
/// <item>No real files besides the simulated, no clock that decides what is written, no random names.</item>
/// <item>After a fault it may throw an <see cref="IOException"/> or go on. Without one it must not throw.</item>
/// </list>
/// </remarks>
internal sealed class CrashMatrix(DiskImage start, Func<SimulatedDisk, History, Task> scenario, Func<DiskImage, History, Task> verify)
{
    private readonly HashSet<string> _verified = new(StringComparer.Ordinal);

    /// <summary>Which faults are tried, each at every call.</summary>
    public IReadOnlyList<FaultKind> Faults { get; init; } = [FaultKind.Crash];

    /// <summary>Whether a fault other than a crash also hits every later call.</summary>
    public bool Always { get; init; }

    /// <summary>Which calls such a fault can hit (a full disk still deletes); null for every one.</summary>
    public Func<DiskCall, bool>? Where { get; init; }

    /// <summary>Whether after such a fault a crash is tried at every later call too, and not only at the end. Squares the number of runs.</summary>
    public bool CrashAfterFault { get; init; }

    /// <summary>Most states that are verified for each step.</summary>
    public int MaxStates { get; init; } = 100;

    /// <summary>For the random part of the states.</summary>
    public int Seed { get; init; } = 1;

    /// <summary>After so many failures the matrix ends.</summary>
    public int MaxFailures { get; init; } = 5;

    /// <summary>What one run of the scenario or one verification may take; more is a failure.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>The clock of the timeout.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>Runs all of it.</summary>
    /// <exception cref="InvalidOperationException">The scenario fails without a fault.</exception>
    public async Task<MatrixReport> RunAsync()
    {
        _verified.Clear();
        var report = new MatrixReport();
        var sound = await RunStepAsync(FaultKind.Crash, int.MaxValue, null);
        if (sound.Error is not null)
            throw new InvalidOperationException($"The scenario fails without a fault.\n{sound.Disk.Trace()}", sound.Error);
        report.Calls = sound.Disk.Calls;
        foreach (var fault in Faults)
        {
            // One step more than there are calls: the crash after the last.
            for (var step = 1; step <= report.Calls + 1 && report.Failures.Count < MaxFailures; step++)
            {
                var calls = await TryStepAsync(fault, step, null, report);
                for (var crash = step + 1; CrashAfterFault && fault != FaultKind.Crash && crash <= calls && report.Failures.Count < MaxFailures; crash++)
                    await TryStepAsync(fault, step, crash, report);
            }
        }
        return report;
    }

    /// <summary>Does again what a failure tells of, for a debugger.</summary>
    public async Task<(DiskImage Image, History History)> ReplayAsync(FaultKind fault, int step, int? crash, int state)
    {
        var run = await RunStepAsync(fault, step, crash);
        return (run.Disk.CrashStates(MaxStates, Seed).ElementAt(state), run.History);
    }

    /// <summary>Answers with the number of calls that the run made.</summary>
    private async Task<int> TryStepAsync(FaultKind fault, int step, int? crash, MatrixReport report)
    {
        var run = await RunStepAsync(fault, step, crash);
        report.Steps++;
        // A failing disk may end a scenario, and nothing else may: not a hang, not an engine that trips over its own error path.
        if (run.Error is not null && (run.Error is not IOException || run.Disk.FaultsHit == 0))
            report.Failures.Add(new MatrixFailure(fault, step, crash, Seed, null, run.Error, run.Disk.Trace(), run.History.ToString()));
        foreach (var image in run.Disk.CrashStates(MaxStates, Seed))
        {
            report.States++;
            report.Seeded += image.IsSeeded ? 1 : 0;
            // The same disk after the same history gets the same verdict.
            if (!_verified.Add($"{image.Hash}\n{run.History}"))
                continue;
            report.Verified++;
            if (await VerifyAsync(image, run.History) is { } error)
                report.Failures.Add(new MatrixFailure(fault, step, crash, Seed, image, error, run.Disk.Trace(), run.History.ToString()));
            if (report.Failures.Count >= MaxFailures)
                break;
        }
        return run.Disk.Calls;
    }

    private async Task<(SimulatedDisk Disk, History History, Exception? Error)> RunStepAsync(FaultKind fault, int step, int? crash)
    {
        var disk = SimulatedDisk.FromImage(start);
        var history = new History(disk);
        if (crash is { } last)
            disk.Plan(new Fault(last, FaultKind.Crash));
        disk.Plan(fault == FaultKind.Crash ? new Fault(step, fault) : new Fault(step, fault, Always, Where));
        var error = await CatchAsync(() => scenario(disk, history));
        disk.Crash();
        return (disk, history, error);
    }

    private Task<Exception?> VerifyAsync(DiskImage image, History history) => CatchAsync(() => verify(image, history));

    private async Task<Exception?> CatchAsync(Func<Task> action)
    {
        using var end = new CancellationTokenSource();
        var timeout = Task.Delay(Timeout, Time, end.Token);
        try
        {
            var run = Task.Run(action);
            if (await Task.WhenAny(run, timeout) != run)
                return new TimeoutException($"It has not ended after {Timeout}.");
            await run;
            return null;
        }
        catch (Exception error)
        {
            return error;
        }
        finally
        {
            await end.CancelAsync();
        }
    }
}
