using System.Globalization;
using EdgeCache.Edge.Protocols;
using EdgeCache.Edge.Signing;
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
            ? Signed(request.Policy, request.IsPublic, grant, time.GetUtcNow())
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

    /// <summary>No cache may use for longer what is got with a signed address than the address itself is good. The texts change once a second at most, so the last ones are kept with the grant.</summary>
    private static (string Control, string? Cdn) Signed(NamespacePolicy policy, bool isPublic, SignatureGrant grant, DateTimeOffset now)
    {
        var left = grant.Expires - now;
        var age = Least(policy.Verified ? YearInSeconds : (long)policy.MaxAge.TotalSeconds, left);
        var cdnAge = Least((long)policy.Cdn.MaxAge.TotalSeconds, left);
        if (grant.CacheFields is { } last && last.Age == age && last.CdnAge == cdnAge && last.IsPublic == isPublic && ReferenceEquals(last.Policy, policy))
            return (last.Control, last.Cdn);
        var control = $"{(isPublic ? "public" : "private")}, {(policy is { Replaceable: true, Verified: false } ? "no-cache" : Age(age))}";
        var cdn = policy.Cdn.MaxAge > TimeSpan.Zero && isPublic ? Age(cdnAge) : null;
        grant.CacheFields = new SignedCacheFields(policy, isPublic, age, cdnAge, control, cdn);
        return (control, cdn);
    }

    private static string Age(TimeSpan age) => Age((long)age.TotalSeconds);

    private static string Age(long seconds) => string.Create(CultureInfo.InvariantCulture, $"max-age={seconds}");

    private static string Stale(NamespacePolicy policy)
    {
        var text = policy.Cdn.StaleWhileRevalidate > TimeSpan.Zero ? string.Create(CultureInfo.InvariantCulture, $", stale-while-revalidate={(long)policy.Cdn.StaleWhileRevalidate.TotalSeconds}") : "";
        return policy.Cdn.StaleIfError > TimeSpan.Zero ? string.Create(CultureInfo.InvariantCulture, $"{text}, stale-if-error={(long)policy.Cdn.StaleIfError.TotalSeconds}") : text;
    }

    /// <summary>In whole seconds, cut off: what is left of a second is not enough to keep anything.</summary>
    private static long Least(long seconds, TimeSpan left) => left <= TimeSpan.Zero ? 0 : Math.Min(seconds, (long)left.TotalSeconds);
}

/// <summary>What caches were told of an answer to a signed address, and what it was made of.</summary>
/// <param name="Policy">The namespace.</param>
/// <param name="IsPublic">Whether anybody who has the address may read.</param>
/// <param name="Age">For how long anybody may keep it, in seconds.</param>
/// <param name="CdnAge">For how long a CDN may, in seconds.</param>
/// <param name="Control">The field for everybody.</param>
/// <param name="Cdn">The field for CDNs; null for none.</param>
internal sealed record SignedCacheFields(NamespacePolicy Policy, bool IsPublic, long Age, long CdnAge, string Control, string? Cdn);
