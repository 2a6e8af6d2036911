namespace EdgeCache.Codecs;

/// <summary>How a call of a codec ended. What hostile or damaged input can cause is here; an exception is a fault of the program.</summary>
public enum CodecStatus
{
    /// <summary>Done.</summary>
    Ok,

    /// <summary>All input was taken, and more is needed to go on.</summary>
    NeedsInput,

    /// <summary>There is no room left in the destination; the same call with more room goes on.</summary>
    NeedsOutput,

    /// <summary>All contexts are in use. Whoever can do without does without; nobody waits.</summary>
    Busy,

    /// <summary>The native library is not there, or too old.</summary>
    Unavailable,

    /// <summary>What came in is not valid in this coding.</summary>
    Corrupt,

    /// <summary>It was made with a dictionary, and dictionaries are not supported.</summary>
    DictionaryNeeded,

    /// <summary>To decode it would take a window above the limit.</summary>
    WindowTooLarge,

    /// <summary>The content is longer than the caller's limit.</summary>
    TooLarge,

    /// <summary>The native library could not get memory.</summary>
    OutOfMemory,
}

/// <summary>One step of a stream.</summary>
/// <param name="Status"><see cref="CodecStatus.Ok"/> at the end of what was asked for, <see cref="CodecStatus.NeedsInput"/>, <see cref="CodecStatus.NeedsOutput"/>, or why it can't go on.</param>
/// <param name="Consumed">Bytes taken from the source.</param>
/// <param name="Produced">Bytes written to the destination.</param>
public readonly record struct CodecStep(CodecStatus Status, int Consumed, int Produced);

/// <summary>What came of a whole piece at once.</summary>
/// <param name="Status"><see cref="CodecStatus.Ok"/>; <see cref="CodecStatus.NeedsOutput"/> when it does not fit; or why there is nothing.</param>
/// <param name="Length">Bytes written to the destination; 0 unless it is good.</param>
public readonly record struct CodecResult(CodecStatus Status, int Length)
{
    /// <summary>Whether <see cref="Status"/> is <see cref="CodecStatus.Ok"/>.</summary>
    public bool IsOk => Status == CodecStatus.Ok;
}
