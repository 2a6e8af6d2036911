namespace EdgeCache.Edge.Limits;

/// <summary>What a limit counts.</summary>
internal enum LimitUnit
{
    Requests,
    Bytes,

    /// <summary>What goes on at one time.</summary>
    Concurrent,

    /// <summary>Nothing: the client is locked out because of its conduct.</summary>
    Conduct,
}

/// <summary>Whether a request may go on, and if not, why and for how long.</summary>
/// <param name="Limit">The limit that is used up; null when the request may go on.</param>
/// <param name="Unit">What of it.</param>
/// <param name="Wait">After how long there will be room, in nanoseconds.</param>
/// <param name="IsWatched">Whether the client has demerits, of which a good request takes some away.</param>
internal readonly record struct Verdict(Quota? Limit, LimitUnit Unit, long Wait, bool IsWatched)
{
    public static Verdict Admitted => default;

    public bool IsAdmitted => Limit is null;

    public static Verdict AdmittedAs(bool watched) => new(null, LimitUnit.Requests, 0, watched);

    public static Verdict Refused(Quota limit, LimitUnit unit, long wait) => new(limit, unit, wait, IsWatched: false);
}
