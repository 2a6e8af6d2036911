using EdgeCache.Storage;

namespace EdgeCache.Edge.Delivery;

/// <summary>The header fields that describe a blob: validators, caching, digest, and what keeps a browser from running it.</summary>
internal static class Representation
{
    /// <summary>Sets everything that GET, HEAD, 206 and 304 have in common (RFC 9110, section 15.4.5).</summary>
    public static void SetValidators(HttpResponse response, BlobFields fields)
    {
        var headers = response.Headers;
        headers.ETag = fields.ETag;
        headers.LastModified = fields.LastModified;
        headers.CacheControl = fields.CacheControl;
        headers["Cache-Status"] = "EdgeCache; hit";
    }

    /// <summary>Sets what describes the content itself.</summary>
    public static void SetContent(HttpResponse response, BlobMetadata blob, BlobFields fields)
    {
        var headers = response.Headers;
        headers.ContentType = blob.ContentType;
        headers.AcceptRanges = "bytes";
        headers["Repr-Digest"] = fields.ReprDigest;
        headers.XContentTypeOptions = "nosniff";
        headers.ContentSecurityPolicy = "sandbox";
        if (fields.IsActive)
            headers.ContentDisposition = "attachment";
        var stored = blob.StoredHeaders;
        for (var i = 0; i < stored.Count; i++)
            headers[stored[i].Key] = stored[i].Value;
    }

    /// <summary>The strong validator: the digest of the content.</summary>
    public static string ETag(BlobMetadata blob) => $"\"{blob.Sha256.ToHex()}\"";
}
