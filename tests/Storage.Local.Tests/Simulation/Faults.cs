namespace EdgeCache.Storage.Local.Tests.Simulation;

/// <summary>What a call asks of the disk. From <see cref="Create"/> on it changes the disk, and so has a number.</summary>
internal enum CallKind
{
    Open,
    Exists,
    List,
    Read,
    Create,
    Write,
    Sync,
    Rename,
    Delete,
    SyncFolder,
}

/// <summary>One call to the disk.</summary>
/// <param name="Number">Its number among the calls that change the disk, from 1; 0 for one that changes nothing.</param>
/// <param name="Kind">What it asks.</param>
/// <param name="Path">The file or folder; of a rename the old name.</param>
/// <param name="Detail">The new name of a rename, the range of a read or write.</param>
internal sealed record DiskCall(int Number, CallKind Kind, string Path, string Detail)
{
    /// <summary>How it failed; null when it did not.</summary>
    public string? Failure { get; set; }

    public override string ToString() => $"{(Number == 0 ? "-" : $"#{Number}")} {Kind} {Path} {Detail}".TrimEnd() + (Failure is null ? "" : $" -> {Failure}");
}

/// <summary>How a call goes wrong.</summary>
internal enum FaultKind
{
    /// <summary>The machine stops within the call: this and every later call throws, and what was in flight may or may not have happened.</summary>
    Crash,

    /// <summary>EIO; nothing happened, but a failed sync gives up what it was to sync.</summary>
    IoError,

    /// <summary>ENOSPC; as EIO otherwise.</summary>
    NoSpace,

    /// <summary>A write does its first half and then fails with ENOSPC. Another call fails as with <see cref="NoSpace"/>.</summary>
    ShortWrite,
}

/// <summary>A line of the fault plan.</summary>
/// <param name="Call">Number of the call that goes wrong.</param>
/// <param name="Kind">How.</param>
/// <param name="Always">Whether every later call goes wrong as well.</param>
/// <param name="Where">Which calls can go wrong at all (a full disk still deletes); null for every one.</param>
internal sealed record Fault(int Call, FaultKind Kind, bool Always = false, Func<DiskCall, bool>? Where = null)
{
    public const int Eio = 5;
    public const int Enospc = 28;

    public bool Hits(DiskCall call) => (Always ? call.Number >= Call : call.Number == Call) && (Where is null || Where(call));

    public IOException ToException(DiskCall call) => Kind == FaultKind.IoError
        ? new IOException($"Simulated EIO at {call}.", Eio)
        : new IOException($"Simulated ENOSPC at {call}.", Enospc);
}

/// <summary>
/// The simulated machine has stopped. An <see cref="IOException"/>, so that an engine's own threads take it for a failing disk: anything else
/// would end the test process from a thread that nobody awaits.
/// </summary>
internal sealed class SimulatedCrashException(string message) : IOException(message);
