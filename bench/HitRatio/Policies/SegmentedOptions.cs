namespace EdgeCache.Bench.HitRatio.Policies;

/// <summary>The parameters of the segmented policy.</summary>
internal sealed record SegmentedOptions
{
    /// <summary>Segments that fill the cache.</summary>
    public int Segments { get; init; } = 256;

    /// <summary>Share of the cache above which the oldest probation segment is reclaimed before any of main. 0: no probation, one log.</summary>
    public double Probation { get; init; } = 0.1;

    /// <summary>Reads of a blob are counted up to here: so often at most it is written again without a further read.</summary>
    public int MostReads { get; init; } = 3;

    /// <summary>Ghosts for each blob that the cache holds at the mean size.</summary>
    public double Ghosts { get; init; } = 1;

    /// <summary>Reads on probation that earn a place in main.</summary>
    public int PromoteAt { get; init; } = 1;

    /// <summary>
    /// A segment of which more than this share would be written again stays as it is and becomes the youngest of main, blobs that were
    /// not read included. It costs no writes. At 1 it never happens.
    /// </summary>
    public double StayAbove { get; init; } = 1;

    /// <summary>Whether a blob takes its count of reads along to main, less one, instead of starting at 0.</summary>
    public bool KeepReads { get; init; }
}
