using EdgeCache.Edge.Compression;
using EdgeCache.Storage;
using Microsoft.Extensions.Primitives;
using Microsoft.Net.Http.Headers;

namespace EdgeCache.Edge.Delivery;

/// <summary>What the preconditions of a request say about a blob.</summary>
internal enum PreconditionResult
{
    /// <summary>Go on.</summary>
    Proceed,

    /// <summary>304.</summary>
    NotModified,

    /// <summary>412.</summary>
    Failed,

    /// <summary>400: a field can't be understood.</summary>
    Malformed,
}

/// <summary>Conditional requests in the order of evaluation of RFC 9110, section 13.2.2.</summary>
internal static class Preconditions
{
    /// <summary>Most entity tags that one field may list.</summary>
    private const int MaxTags = 100;

    /// <summary>Whether a request has any: they name validators of ours, which nobody else can evaluate.</summary>
    public static bool AreIn(IHeaderDictionary headers) =>
        headers.IfMatch.Count > 0 || headers.IfNoneMatch.Count > 0 || headers.IfModifiedSince.Count > 0 || headers.IfUnmodifiedSince.Count > 0 || headers.IfRange.Count > 0;

    /// <summary>Evaluates the preconditions of a GET or HEAD on a blob that is there. The tags of all its codings are tags of its, as far as the request accepts the coding.</summary>
    /// <param name="headers">The header of the request.</param>
    /// <param name="blob">The blob.</param>
    /// <param name="accept">What the request accepts.</param>
    /// <param name="etag">The tag of what would be sent; for a 304, that of what the client has, if it is another.</param>
    public static PreconditionResult EvaluateRead(IHeaderDictionary headers, BlobMetadata blob, AcceptEncoding accept, ref string? etag)
    {
        // A range is one of the content, so nothing else is continued with it.
        accept = headers.Range.Count > 0 ? default : accept;
        if (headers.IfMatch.Count > 0)
        {
            if (!TryParse(headers.IfMatch, out var any, out var tags))
                return PreconditionResult.Malformed;
            if (!any && !Contains(tags, blob, useStrong: true, accept, ref etag))
                return PreconditionResult.Failed;
        }
        else if (TryDate(headers.IfUnmodifiedSince, out var unmodifiedSince) && LastModified(blob) > unmodifiedSince)
        {
            return PreconditionResult.Failed;
        }

        if (headers.IfNoneMatch.Count > 0)
        {
            if (!TryParse(headers.IfNoneMatch, out var any, out var tags))
                return PreconditionResult.Malformed;
            return any || Contains(tags, blob, useStrong: false, accept, ref etag) ? PreconditionResult.NotModified : PreconditionResult.Proceed;
        }
        return TryDate(headers.IfModifiedSince, out var modifiedSince) && LastModified(blob) <= modifiedSince
            ? PreconditionResult.NotModified
            : PreconditionResult.Proceed;
    }

    /// <summary>Reads the preconditions of a PUT or DELETE; the store evaluates them in the same step as the change.</summary>
    /// <returns>False when a field can't be understood: ignoring it could lose somebody's write.</returns>
    public static bool TryGetCondition(IHeaderDictionary headers, out BlobCondition? condition)
    {
        condition = null;
        if (headers.IfMatch.Count > 0)
        {
            if (!TryParse(headers.IfMatch, out var any, out var tags))
                return false;
            condition = any ? new BlobCondition { MustExist = true } : new BlobCondition { AnyOf = Digests(tags, useStrong: true), AnyOfTags = Others(tags, useStrong: true) };
        }
        else if (headers.IfUnmodifiedSince.Count > 0)
        {
            if (!TryDate(headers.IfUnmodifiedSince, out var since))
                return false;
            condition = new BlobCondition { UnmodifiedSince = since };
        }
        if (headers.IfNoneMatch.Count > 0)
        {
            if (!TryParse(headers.IfNoneMatch, out var any, out var tags))
                return false;
            // "If-Match: *" with "If-None-Match: *" can never hold; a blob must be there and must not.
            condition = (any, condition) switch
            {
                (true, null) => BlobCondition.Absent,
                (true, _) => condition with { MustExist = false, AnyOf = condition.AnyOf ?? (condition.MustExist == true ? [] : null) },
                _ => (condition ?? new BlobCondition()) with { NoneOf = Digests(tags, useStrong: false), NoneOfTags = Others(tags, useStrong: false) },
            };
        }
        return true;
    }

    /// <summary>Whether a Range may be served: no If-Range, or one that names exactly this version (RFC 9110, section 13.1.5).</summary>
    public static bool RangeApplies(IHeaderDictionary headers, BlobMetadata blob)
    {
        if (headers.IfRange.Count == 0)
            return true;
        if (headers.IfRange is not [{ } value])
            return false;
        if (EntityTagHeaderValue.TryParse(value, out var tag))
            return !tag.IsWeak && Is(tag, blob);
        // A date is a strong validator only when it is at least a second older than now could make it ambiguous; equality is what the RFC asks for.
        return TryDate(value, out var date) && date == LastModified(blob);
    }

    /// <summary>The modification time as the Last-Modified field can say it: in whole seconds.</summary>
    public static DateTimeOffset LastModified(BlobMetadata blob) => DateTimeOffset.FromUnixTimeSeconds(blob.Created.ToUnixTimeSeconds());

    private static bool TryParse(StringValues field, out bool any, out IList<EntityTagHeaderValue> tags)
    {
        any = field is [{ } single] && single.AsSpan().Trim(" \t") is "*";
        tags = [];
        if (any)
            return true;
        if (!EntityTagHeaderValue.TryParseStrictList(field, out var parsed) || parsed.Count > MaxTags || parsed.Any(t => t.Tag == "*"))
            return false;
        tags = parsed;
        return true;
    }

    private static bool Contains(IList<EntityTagHeaderValue> tags, BlobMetadata blob, bool useStrong, AcceptEncoding accept, ref string? etag)
    {
        string? found = null;
        foreach (var tag in tags)
        {
            if (!CodedTags.TryMatch(tag, blob, useStrong, out var coding, out var text) || (coding != ContentCoding.Identity && accept.QualityOf(coding) == 0))
                continue;
            if (text == etag)
                return true;
            found ??= text;
        }
        if (found is null)
            return false;
        if (!useStrong)
            etag = found;
        return true;
    }

    /// <summary>Whether a tag is that of the blob's content, weak or not.</summary>
    internal static bool Is(EntityTagHeaderValue tag, BlobMetadata blob) => blob.FarValidator.Length > 0
        ? tag.Tag.Equals(blob.FarValidator, StringComparison.Ordinal)
        : TryDigest(tag, out var digest) && digest == blob.Sha256;

    private static List<Sha256Digest> Digests(IList<EntityTagHeaderValue> tags, bool useStrong)
    {
        var digests = new List<Sha256Digest>(tags.Count);
        foreach (var tag in tags)
        {
            if ((!useStrong || !tag.IsWeak) && TryDigest(!useStrong && CodedTags.TrySplit(tag, out var ofContent, out _) ? ofContent : tag, out var digest))
                digests.Add(digest);
        }
        return digests;
    }

    /// <summary>The tags that are none of ours: those of a far store, of what others put there.</summary>
    private static List<string> Others(IList<EntityTagHeaderValue> tags, bool useStrong) => [.. tags.Where(t => (!useStrong || !t.IsWeak) && !TryDigest(t, out _)).Select(t => t.Tag.ToString())];

    private static bool TryDigest(EntityTagHeaderValue tag, out Sha256Digest digest)
    {
        var text = tag.Tag.AsSpan();
        digest = default;
        return text.Length == Sha256Digest.HexLength + 2 && Sha256Digest.TryParseHex(text[1..^1], out digest);
    }

    private static bool TryDate(StringValues field, out DateTimeOffset date)
    {
        date = default;
        return field is [{ } value] && HeaderUtilities.TryParseDate(value, out date);
    }
}
