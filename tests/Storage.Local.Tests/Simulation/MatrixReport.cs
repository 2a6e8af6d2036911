using System.Text;

namespace EdgeCache.Storage.Local.Tests.Simulation;

/// <summary>What a matrix has tried and what it found.</summary>
internal sealed class MatrixReport
{
    /// <summary>Calls that change the disk in a run without faults.</summary>
    public int Calls { get; set; }

    /// <summary>Runs with a fault.</summary>
    public int Steps { get; set; }

    /// <summary>States enumerated after these runs.</summary>
    public int States { get; set; }

    /// <summary>How many of them chance chose; the others are all that there are, or chosen by rule.</summary>
    public int Seeded { get; set; }

    /// <summary>States verified; the others were equal to one of these, after an equal history.</summary>
    public int Verified { get; set; }

    public List<MatrixFailure> Failures { get; } = [];

    public void ShouldBeSound() => Failures.ShouldBeEmpty(ToString());

    public override string ToString()
    {
        var text = new StringBuilder($"{Calls} calls, {Steps} steps, {States} states, {Verified} verified, {Failures.Count} failures");
        foreach (var failure in Failures)
            text.Append("\n\n").Append(failure);
        return text.ToString();
    }
}

/// <summary>A state that a store did not survive, or a run that hung.</summary>
/// <param name="Fault">The fault of the run.</param>
/// <param name="Step">The call that it hit.</param>
/// <param name="CrashStep">The later call of a crash after the fault; null for the end of the run.</param>
/// <param name="Seed">The seed of the states.</param>
/// <param name="Image">The state; null when the run itself went wrong.</param>
/// <param name="Error">What went wrong.</param>
/// <param name="Trace">The calls up to the crash.</param>
/// <param name="History">What was asked and acknowledged.</param>
internal sealed record MatrixFailure(FaultKind Fault, int Step, int? CrashStep, int Seed, DiskImage? Image, Exception Error, string Trace, string History)
{
    public override string ToString() =>
        $"""
        {Fault} at step {Step}{(CrashStep is null ? "" : $", crash at {CrashStep}")}, seed {Seed}, {Image?.ToString() ?? "no state: the run itself"}
        {(Error is SimulatedExpectationException ? Error.Message : Error)}
        History:
        {History}
        Trace:
        {Trace}
        """;
}

/// <summary>A store does not keep what it promised; the message says what.</summary>
internal sealed class SimulatedExpectationException(string message) : Exception(message);
