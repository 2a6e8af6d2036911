using System.Net.Http.Headers;
using EdgeCache.Storage;

namespace EdgeCache.Edge.Origins;

/// <summary>What a write does by what is known of the present blob: how it ends already, or under which condition it is sent.</summary>
internal sealed record PutPlan
{
    /// <summary>The condition of the writer does not hold.</summary>
    public bool IsRefused { get; init; }

    /// <summary>Another blob is there and stays: what is left to find out is whether it is the same.</summary>
    public bool IsComparison { get; init; }

    /// <summary>Sent only if nothing is there.</summary>
    public bool IfAbsent { get; init; }

    /// <summary>Sent only if this version is there.</summary>
    public string? IfMatch { get; init; }

    /// <summary>The writer's own condition, in the origin's hands.</summary>
    public BlobCondition? Condition { get; init; }

    public void Apply(HttpRequestHeaders headers)
    {
        if (Condition is not null)
            SetCondition(headers, Condition);
        if (IfAbsent)
            headers.IfNoneMatch.Add(EntityTagHeaderValue.Any);
        if (IfMatch is not null)
            headers.IfMatch.Add(new EntityTagHeaderValue(IfMatch));
    }

    /// <summary>Whether header fields can say all of a condition: <c>If-Unmodified-Since</c> is not looked at beside <c>If-Match</c>.</summary>
    public static bool CanSay(BlobCondition? condition) => condition is not { UnmodifiedSince: not null } || condition is { AnyOf: null, MustExist: not true };

    /// <summary>Whether a condition can never hold; a field can't be empty.</summary>
    public static bool IsImpossible(BlobCondition? condition) => condition is { AnyOf.Count: 0, AnyOfTags.Count: 0 };

    /// <summary>Says a condition in the header fields of a request.</summary>
    public static void SetCondition(HttpRequestHeaders headers, BlobCondition condition)
    {
        if (condition.AnyOf is { } any)
            Add(headers.IfMatch, any, condition.AnyOfTags);
        else if (condition.MustExist == true)
            headers.IfMatch.Add(EntityTagHeaderValue.Any);
        else
            headers.IfUnmodifiedSince = condition.UnmodifiedSince;
        if (condition.MustExist == false)
            headers.IfNoneMatch.Add(EntityTagHeaderValue.Any);
        else if (condition.NoneOf is { } none)
            Add(headers.IfNoneMatch, none, condition.NoneOfTags);
    }

    private static void Add(HttpHeaderValueCollection<EntityTagHeaderValue> field, IReadOnlyList<Sha256Digest> digests, IReadOnlyList<string> tags)
    {
        foreach (var digest in digests)
            field.Add(new EntityTagHeaderValue($"\"{digest.ToHex()}\""));
        foreach (var tag in tags)
            field.Add(new EntityTagHeaderValue(tag));
    }
}
