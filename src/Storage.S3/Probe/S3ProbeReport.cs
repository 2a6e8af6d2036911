namespace EdgeCache.Storage.S3;

/// <summary>What an endpoint can do, step by step.</summary>
/// <param name="Steps">What was tried, in order.</param>
/// <param name="Capabilities">The conditions that it keeps, for <see cref="S3StoreOptions.Capabilities"/>.</param>
public sealed record S3ProbeReport(IReadOnlyList<S3ProbeStep> Steps, S3Capabilities Capabilities)
{
    /// <summary>Whether everything works that a store can't do without.</summary>
    public bool IsUsable => Steps.All(s => s.Result != S3ProbeResult.Failed);
}

/// <summary>One thing that was tried.</summary>
/// <param name="Name">What, in a few words.</param>
/// <param name="Result">How it ended.</param>
/// <param name="Detail">One sentence: what it means, or what to do.</param>
/// <param name="Time">How long it took.</param>
public sealed record S3ProbeStep(string Name, S3ProbeResult Result, string Detail, TimeSpan Time);

/// <summary>How a step ended.</summary>
public enum S3ProbeResult
{
    /// <summary>It works.</summary>
    Good,

    /// <summary>It does not, and the store can do without it; the detail says at what price.</summary>
    Lacking,

    /// <summary>It does not, and a store needs it.</summary>
    Failed,
}
