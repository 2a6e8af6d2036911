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

    /// <summary>Beside <see cref="AnyOf"/>, where that is set: entity tags, with their quotes, of which the blob may have one instead. It is the <see cref="BlobMetadata.FarValidator"/>, of a blob that has one.</summary>
    public IReadOnlyList<string> AnyOfTags { get; init; } = [];

    /// <summary>Beside <see cref="NoneOf"/>, where that is set: entity tags, with their quotes, that the blob must not have either.</summary>
    public IReadOnlyList<string> NoneOfTags { get; init; } = [];

    /// <summary>When set: the blob, if there is one, must not be newer (<c>If-Unmodified-Since</c>, whole seconds).</summary>
    public DateTimeOffset? UnmodifiedSince { get; init; }

    /// <summary>Whether the condition holds for the blob that is there now, or for none. A blob whose digest nobody knows has none of those that are named.</summary>
    public bool Holds(BlobMetadata? current)
    {
        if (MustExist is { } exist && exist != (current is not null))
            return false;
        if (AnyOf is not null && (current is null || !IsNamed(current, AnyOf, AnyOfTags)))
            return false;
        if (NoneOf is not null && current is not null && IsNamed(current, NoneOf, NoneOfTags))
            return false;
        return UnmodifiedSince is not { } since || current is null || current.Created.ToUnixTimeSeconds() <= since.ToUnixTimeSeconds();
    }

    /// <summary>What clients know a blob by is the far store's validator where there is one, and it may look like a digest.</summary>
    private static bool IsNamed(BlobMetadata blob, IReadOnlyList<Sha256Digest> digests, IReadOnlyList<string> tags) =>
        (blob.Sha256.IsKnown && digests.Contains(blob.Sha256))
        || (blob.FarValidator.Length > 0 && (tags.Contains(blob.FarValidator, StringComparer.Ordinal) || digests.Any(d => d.IsKnown && blob.FarValidator == $"\"{d.ToHex()}\"")));
}
