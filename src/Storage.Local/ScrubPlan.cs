namespace EdgeCache.Storage.Local;

/// <summary>When and how fast a store re-hashes what it has.</summary>
/// <param name="Interval">How long after a blob was stored or last found good it is re-hashed; zero for never.</param>
/// <param name="BytesPerSecond">How fast it is read, in bytes a second, more than 0.</param>
public readonly record struct ScrubPlan(TimeSpan Interval, long BytesPerSecond)
{
    /// <summary>No scrub in the background.</summary>
    public static ScrubPlan Never { get; } = new(TimeSpan.Zero, long.MaxValue);
}

/// <summary>How far a scrub has come, or what came of it.</summary>
/// <param name="Blobs">Blobs that were re-hashed.</param>
/// <param name="Bytes">Disk space of these, in bytes.</param>
/// <param name="Damaged">How many of them were not what had been written. They are in quarantine, and missing.</param>
/// <param name="Unreadable">Blobs that the disk could not read. They were left as they are.</param>
public sealed record ScrubProgress(long Blobs, long Bytes, long Damaged, long Unreadable);
