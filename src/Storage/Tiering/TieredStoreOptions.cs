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

    /// <summary>Fetches that are under way or wait for their turn, and questions to the far store, at most: 16 for each of <see cref="MaxFills"/>. More are refused at once.</summary>
    internal int MaxQueue => 16 * MaxFills;

    /// <summary>How long a fetch goes on that nobody waits for any more. Default: 30 s.</summary>
    public TimeSpan AbandonAfter { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Longest wait for other changes of a key, and for a fetch to begin. Default: 60 s.</summary>
    public TimeSpan WaitLimit { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>
    /// Through which nodes the request came that is being served, where the far store may be one of them; null for a client's own. Such a request is perhaps what the far store waits
    /// for. Default: null always.
    /// </summary>
    public Func<string?> Route { get; init; } = static () => null;

    /// <summary>
    /// Whether a sentence of the far store's is for clients, as one is that says that requests go in circles; all others may name what is none of theirs. Default: none is.
    /// </summary>
    public Func<string, bool> IsForClients { get; init; } = static _ => false;

    /// <summary>How long a request that came through other nodes waits for a fetch of somebody else's before it is found out whether the fetch waits for it.</summary>
    internal TimeSpan CircleCheckAfter { get; init; } = TimeSpan.FromSeconds(1);
}
