namespace EdgeCache.Storage.Resilience;

/// <summary>How a far store that fails is spared, and those who wait for it. A value is used as it is: whoever builds it has checked the ranges.</summary>
public sealed record ResilienceOptions
{
    /// <summary>Longest wait for an answer to a read, a stat or a delete, with all that is tried for it, more than zero. Default: 15 s.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>Calls that may wait for their answers at one time, 1 and more; others wait for their turn, and no longer than <see cref="Timeout"/>. Default: 256.</summary>
    public int MaxConcurrency { get; init; } = 256;

    /// <summary>Part of the calls that must have failed lately for the store not to be called at all, 0.01 to 1. Default: 0.5.</summary>
    public double FailureRatio { get; init; } = 0.5;

    /// <summary>The time that "lately" means, 500 ms and more. Default: 10 s.</summary>
    public TimeSpan SamplingDuration { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Calls within that time from which on a ratio means something, 2 and more. Default: 8.</summary>
    public int MinimumCalls { get; init; } = 8;

    /// <summary>For how long the store is not called then, before one call tries again, 500 ms and more. Default: 5 s.</summary>
    public TimeSpan BreakDuration { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// Whether an outcome with this sentence, though the store could not do what was asked, is about the request and not about the store, so that no client can make it look broken by
    /// what he sends. Default: none is.
    /// </summary>
    public Func<string, bool> IsAboutRequest { get; init; } = static _ => false;
}
