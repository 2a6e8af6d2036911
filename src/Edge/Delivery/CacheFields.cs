using System.Globalization;
using EdgeCache.Edge.Protocols;
using EdgeCache.Storage;

namespace EdgeCache.Edge.Delivery;

/// <summary>What caches between here and the client are told: for how long they may use what they get, and by which names it can be purged there.</summary>
internal static class CacheFields
{
    private const int YearInSeconds = 31_536_000;

    /// <summary>For how long anybody may use a blob without asking. A key that is the digest of its content can never mean other bytes; "public" only where anybody may read.</summary>
    public static string ControlOf(NamespacePolicy policy, bool isPublic)
    {
        var who = isPublic ? "public" : "private";
        if (policy.Verified)
            return $"{who}, max-age={YearInSeconds}, immutable";
        return $"{who}, {(policy.Replaceable ? "no-cache" : Age(policy.MaxAge))}{Stale(policy)}";
    }

    /// <summary>What a CDN is told besides (RFC 9213); null for nothing. It may keep what is not for everybody no more than others may.</summary>
    public static string? CdnControlOf(NamespacePolicy policy, bool isPublic) =>
        policy.Cdn.MaxAge > TimeSpan.Zero && isPublic ? $"{Age(policy.Cdn.MaxAge)}{Stale(policy)}" : null;

    /// <summary>Sets them for one answer.</summary>
    public static void Set(HttpResponse response, BlobRequest request, BlobMetadata blob, BlobFields fields, BlobSource source, TimeProvider time)
    {
        var headers = response.Headers;
        var (control, cdn) = request.Signature is { } grant
            ? Signed(request.Policy, request.IsPublic, grant.Expires - time.GetUtcNow())
            : (fields.CacheControl, fields.CdnControl);
        headers.CacheControl = control;
        if (cdn is not null)
        {
            foreach (var name in request.Policy.Cdn.Fields)
                headers[name] = cdn;
        }
        if (blob.Tags.Count > 0)
        {
            foreach (var name in request.Policy.Cdn.TagFields)
                headers[name] = string.Join(name == "Cache-Tag" ? "," : " ", blob.Tags);
        }

        // Of what the far store has told or sent just now, this is known (RFC 9111, section 5.1); of what has been here longer, nothing is made up.
        if (source is BlobSource.Filled or BlobSource.Collapsed or BlobSource.Revalidated or BlobSource.Far)
            headers.Age = "0";
    }

    /// <summary>No cache may use for longer what is got with a signed address than the address itself is good.</summary>
    private static (string Control, string? Cdn) Signed(NamespacePolicy policy, bool isPublic, TimeSpan left)
    {
        var who = isPublic ? "public" : "private";
        var longest = policy.Verified ? TimeSpan.FromSeconds(YearInSeconds) : policy.MaxAge;
        var control = policy is { Replaceable: true, Verified: false } ? $"{who}, no-cache" : $"{who}, {Age(Least(longest, left))}";
        return (control, policy.Cdn.MaxAge > TimeSpan.Zero && isPublic ? Age(Least(policy.Cdn.MaxAge, left)) : null);
    }

    private static string Age(TimeSpan age) => string.Create(CultureInfo.InvariantCulture, $"max-age={(long)age.TotalSeconds}");

    private static string Stale(NamespacePolicy policy)
    {
        var text = policy.Cdn.StaleWhileRevalidate > TimeSpan.Zero ? string.Create(CultureInfo.InvariantCulture, $", stale-while-revalidate={(long)policy.Cdn.StaleWhileRevalidate.TotalSeconds}") : "";
        return policy.Cdn.StaleIfError > TimeSpan.Zero ? string.Create(CultureInfo.InvariantCulture, $"{text}, stale-if-error={(long)policy.Cdn.StaleIfError.TotalSeconds}") : text;
    }

    private static TimeSpan Least(TimeSpan one, TimeSpan other) => other <= TimeSpan.Zero ? TimeSpan.Zero : one < other ? one : other;
}
