namespace EdgeCache.Storage;

/// <summary>
/// A condition on the blob that a key has now, checked by the store in the same step as the change (RFC 9110, section 13.1).
/// Every part that is set must hold.
/// </summary>
public sealed record BlobCondition
{
    /// <summary>Holds when no blob has the key (<c>If-None-Match: *</c>).</summary>
    public static BlobCondition Absent { get; } = new() { MustExist = false };

    /// <summary>When set: whether a blob must be there (<c>If-Match: *</c>) or must not be.</summary>
    public bool? MustExist { get; init; }

    /// <summary>When set: a blob must be there, and its content must have one of these digests (<c>If-Match</c>).</summary>
    public IReadOnlyList<Sha256Digest>? AnyOf { get; init; }

    /// <summary>When set: no blob may be there whose content has one of these digests (<c>If-None-Match</c> with entity tags).</summary>
    public IReadOnlyList<Sha256Digest>? NoneOf { get; init; }

    /// <summary>When set: the blob, if there is one, must not be newer (<c>If-Unmodified-Since</c>, whole seconds).</summary>
    public DateTimeOffset? UnmodifiedSince { get; init; }

    /// <summary>Whether the condition holds for the blob that is there now, or for none. A blob whose digest nobody knows has none of those that are named.</summary>
    public bool Holds(BlobMetadata? current)
    {
        if (MustExist is { } exist && exist != (current is not null))
            return false;
        if (AnyOf is not null && (current is not { Sha256.IsKnown: true } || !AnyOf.Contains(current.Sha256)))
            return false;
        if (NoneOf is not null && current is { Sha256.IsKnown: true } && NoneOf.Contains(current.Sha256))
            return false;
        return UnmodifiedSince is not { } since || current is null || current.Created.ToUnixTimeSeconds() <= since.ToUnixTimeSeconds();
    }
}
