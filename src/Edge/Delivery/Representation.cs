using EdgeCache.Edge.Configuration;
using EdgeCache.Storage;

namespace EdgeCache.Edge.Delivery;

/// <summary>The header fields that describe a blob: validators, caching, digest, and what keeps a browser from running it.</summary>
internal static class Representation
{
    private const int YearInSeconds = 31_536_000;

    /// <summary>Types that a browser would run or render in the node's own origin if a person opened the URL.</summary>
    private static readonly string[] ActiveTypes = ["html", "xml", "script", "pdf", "css", "wasm", "shockwave", "multipart/"];

    /// <summary>Sets everything that GET, HEAD, 206 and 304 have in common (RFC 9110, section 15.4.5).</summary>
    public static void SetValidators(HttpResponse response, BlobMetadata blob, NamespacePolicy policy, EdgeSettings settings)
    {
        var headers = response.Headers;
        headers.ETag = ETag(blob);
        headers.LastModified = blob.Created.ToString("R");
        headers.CacheControl = CacheControl(policy, settings);
        headers["Cache-Status"] = "EdgeCache; hit";
    }

    /// <summary>Sets what describes the content itself.</summary>
    public static void SetContent(HttpResponse response, BlobMetadata blob)
    {
        var headers = response.Headers;
        headers.ContentType = blob.ContentType;
        headers.AcceptRanges = "bytes";
        headers["Repr-Digest"] = ReprDigest(blob);
        headers.XContentTypeOptions = "nosniff";
        headers.ContentSecurityPolicy = "sandbox";
        if (IsActive(blob.ContentType))
            headers.ContentDisposition = "attachment";
        foreach (var (name, value) in blob.StoredHeaders)
            headers[name] = value;
    }

    /// <summary>The strong validator: the digest of the content.</summary>
    public static string ETag(BlobMetadata blob) => $"\"{blob.Sha256.ToHex()}\"";

    public static string ReprDigest(BlobMetadata blob) => $"sha-256=:{blob.Sha256.ToBase64()}:";

    /// <summary>
    /// How long caches downstream may use the blob. "public" only where anybody may read; a key that is the digest of its content can never mean other bytes.
    /// </summary>
    public static string CacheControl(NamespacePolicy policy, EdgeSettings settings)
    {
        var who = settings.Token is null ? "public" : "private";
        if (policy.Verified)
            return $"{who}, max-age={YearInSeconds}, immutable";
        return policy.Replaceable ? $"{who}, no-cache" : $"{who}, max-age={(long)policy.MaxAge.TotalSeconds}";
    }

    private static bool IsActive(string contentType)
    {
        foreach (var active in ActiveTypes)
        {
            if (contentType.Contains(active, StringComparison.OrdinalIgnoreCase))
                return true;
        }
        return false;
    }
}
