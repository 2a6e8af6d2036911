namespace EdgeCache.Storage.Tiering;

/// <summary>How the tiers work together. A value is used as it is: whoever builds it has checked the ranges.</summary>
public sealed record TieredStoreOptions
{
    /// <summary>The policy of a namespace; asked for each request, so that a reload takes effect.</summary>
    public Func<string, TierPolicy> PolicyOf { get; init; } = static _ => TierPolicy.Default;

    /// <summary>For how long a key that the far store did not have is answered as missing without asking again, zero and more; other nodes may write it meanwhile. Default: 2 s.</summary>
    public TimeSpan MissMemory { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>For how long what the far store told of a blob is told again to those who ask about it, zero and more. Default: 5 s.</summary>
    public TimeSpan StatMemory { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Blobs that are fetched from the far store to be stored at one time, 1 and more; others wait. Default: 128.</summary>
    public int MaxFills { get; init; } = 128;

    /// <summary>How long a fetch goes on that nobody waits for any more. Default: 30 s.</summary>
    public TimeSpan AbandonAfter { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Longest wait for other changes of a key, and for a fetch to begin. Default: 60 s.</summary>
    public TimeSpan WaitLimit { get; init; } = TimeSpan.FromSeconds(60);
}
