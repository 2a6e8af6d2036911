using EdgeCache.Edge.Delivery;
using EdgeCache.Storage;
using Microsoft.Net.Http.Headers;

namespace EdgeCache.Edge.Compression;

/// <summary>
/// The entity tags of a blob's codings. That of a stored payload is its digest with the coding's name, and strong: the same bytes come again. The name is there because the same bytes may
/// be somebody's content one day, whose tag is the digest alone. That of what is compressed on its way is the tag of the content
/// with the coding's name behind it, and weak: another version of a library may make other bytes of the same content, so a download must not be continued with them.
/// </summary>
internal static class CodedTags
{
    /// <summary>The tag of the payload as it is stored; null where it is the content, or its digest is not known.</summary>
    public static string? Stored(BlobMetadata blob) => blob.Coding.Length > 0 && blob.PayloadSha256.IsKnown ? $"\"{blob.PayloadSha256.ToHex()}.{blob.Coding}\"" : null;

    /// <summary>The tag of content that is compressed on its way; null where the content has none.</summary>
    /// <param name="etag">The tag of the content.</param>
    /// <param name="coding">The coding.</param>
    public static string? Encoded(string? etag, ContentCoding coding) => etag is ['"', .. var opaque, '"'] ? $"W/\"{opaque}-{ContentCodings.NameOf(coding)}\"" : null;

    /// <summary>Finds the coding of the blob that a tag is that of.</summary>
    /// <param name="tag">The tag.</param>
    /// <param name="blob">The blob.</param>
    /// <param name="useStrong">Whether weak tags are as good as none (RFC 9110, section 8.8.3.2).</param>
    /// <param name="coding">The coding.</param>
    /// <param name="text">The tag as this node spells it.</param>
    public static bool TryMatch(EntityTagHeaderValue tag, BlobMetadata blob, bool useStrong, out ContentCoding coding, out string? text)
    {
        (coding, text) = (ContentCoding.Identity, null);
        if (useStrong && tag.IsWeak)
            return false;
        if (Preconditions.Is(tag, blob))
        {
            text = Representation.ETag(blob);
            return true;
        }
        if (Stored(blob) is { } stored && tag.Tag.Equals(stored, StringComparison.Ordinal) && ContentCodings.TryParse(blob.Coding, out coding))
        {
            text = stored;
            return true;
        }
        return !useStrong && TrySplit(tag, out var ofContent, out coding) && Preconditions.Is(ofContent, blob) && (text = Encoded(Representation.ETag(blob), coding)) is not null;
    }

    /// <summary>
    /// Makes the condition of a change speak of content alone: a store compares the digests of contents. The tag of a payload stands for the content that it is the payload of, as long as
    /// it is the present one; the change itself is then made under the condition that it still is.
    /// </summary>
    public static async ValueTask<BlobCondition?> ResolveAsync(BlobCondition? condition, IBlobStore store, BlobKey key, CancellationToken cancellationToken)
    {
        if (condition is null || (condition.AnyOfTags.Count == 0 && condition.NoneOfTags.Count == 0))
            return condition;
        var found = await store.StatAsync(key, cancellationToken);
        if (!found.IsOk || !found.Value.Sha256.IsKnown || Stored(found.Value) is not { } stored)
            return condition;
        return condition with { AnyOf = Resolve(condition.AnyOf, condition.AnyOfTags, stored, found.Value), NoneOf = Resolve(condition.NoneOf, condition.NoneOfTags, stored, found.Value) };
    }

    /// <summary>Splits the tag of what is compressed on its way into that of the content and the coding.</summary>
    public static bool TrySplit(EntityTagHeaderValue tag, out EntityTagHeaderValue ofContent, out ContentCoding coding)
    {
        (ofContent, coding) = (tag, ContentCoding.Identity);
        var text = tag.Tag.AsSpan();
        var dash = text.LastIndexOf('-');
        if (dash < 1 || !ContentCodings.TryParse(text[(dash + 1)..^1], out coding) || coding == ContentCoding.Identity)
            return false;
        ofContent = new EntityTagHeaderValue($"{text[..dash]}\"");
        return true;
    }

    private static IReadOnlyList<Sha256Digest>? Resolve(IReadOnlyList<Sha256Digest>? digests, IReadOnlyList<string> tags, string stored, BlobMetadata blob) =>
        digests is not null && tags.Contains(stored, StringComparer.Ordinal) ? [.. digests, blob.Sha256] : digests;
}
