using EdgeCache.Storage;
using Microsoft.Extensions.Primitives;

namespace EdgeCache.Edge.Delivery;

/// <summary>The tags that a writer gives a blob, for purging by tag: <c>Cache-Tag</c>, divided by commas, or <c>Surrogate-Key</c>, divided by blanks, as CDNs have them.</summary>
internal static class TagFields
{
    /// <summary>Most tags of a blob.</summary>
    public const int MaxCount = 64;

    /// <summary>Longest tag in characters.</summary>
    public const int MaxLength = 128;

    /// <summary>Reads both fields.</summary>
    /// <returns>The sentence to refuse with; null when they are good or not there.</returns>
    public static string? TryRead(IHeaderDictionary headers, out IReadOnlyList<string> tags)
    {
        tags = [];
        var (first, second) = (headers["Cache-Tag"], headers["Surrogate-Key"]);
        if (first.Count == 0 && second.Count == 0)
            return null;
        var read = new List<string>();
        if (Read(first, ',', read) is { } fault || (fault = Read(second, ' ', read)) is not null)
            return fault;
        tags = [.. read.Distinct(StringComparer.Ordinal)];
        return tags.Sum(t => t.Length) > BlobMetadata.MaxTagsLength / 2 ? $"All tags together must have at most {BlobMetadata.MaxTagsLength / 2} characters." : null;
    }

    private static string? Read(StringValues field, char separator, List<string> tags)
    {
        foreach (var line in field)
        {
            foreach (var tag in (line ?? "").Split(separator, StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
            {
                // A blank or comma would make two of it in one of the fields that it is sent back in.
                if (tag.Length > MaxLength || tag.AsSpan().ContainsAnyExceptInRange('!', '~') || tag.Contains(','))
                    return $"A tag has 1 to {MaxLength} printable ASCII characters without blanks and commas.";
                if (tags.Count == MaxCount)
                    return $"A blob has at most {MaxCount} tags.";
                tags.Add(tag);
            }
        }
        return null;
    }
}
