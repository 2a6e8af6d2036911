using EdgeCache.Storage;

namespace EdgeCache.Edge.Delivery;

/// <summary>The header fields that describe a blob: validators, caching, digest, and what keeps a browser from running it.</summary>
internal static class Representation
{
    /// <summary>Sets everything that GET, HEAD, 206 and 304 have in common (RFC 9110, section 15.4.5).</summary>
    public static void SetValidators(HttpResponse response, BlobFields fields, BlobSource source)
    {
        var headers = response.Headers;
        headers.ETag = fields.ETag;
        headers.LastModified = fields.LastModified;
        headers["Cache-Status"] = CacheStatus(source);
    }

    /// <summary>Sets what describes the content itself.</summary>
    public static void SetContent(HttpResponse response, BlobMetadata blob, BlobFields fields)
    {
        var headers = response.Headers;
        headers.ContentType = blob.ContentType;
        headers.AcceptRanges = "bytes";
        if (fields.ReprDigest is { } digest)
            headers["Repr-Digest"] = digest;
        headers.XContentTypeOptions = "nosniff";
        headers.ContentSecurityPolicy = "sandbox";
        if (fields.IsActive)
            headers.ContentDisposition = "attachment";
        var stored = blob.StoredHeaders;
        for (var i = 0; i < stored.Count; i++)
            headers[stored[i].Key] = stored[i].Value;
    }

    /// <summary>
    /// The strong validator: the digest of the content; of an object that somebody else put into the far store, the far store's own, so that it is the same before and after there is
    /// a copy here. Null where there is neither.
    /// </summary>
    public static string? ETag(BlobMetadata blob)
    {
        if (blob.FarValidator.Length > 0)
            return blob.FarValidator;
        return blob.Sha256.IsKnown ? $"\"{blob.Sha256.ToHex()}\"" : null;
    }

    /// <summary>How the request was served (RFC 9211).</summary>
    private static string CacheStatus(BlobSource source) => source switch
    {
        BlobSource.Local => "EdgeCache; hit",
        BlobSource.Revalidated => "EdgeCache; hit; detail=revalidated",
        BlobSource.Stale => "EdgeCache; hit; detail=stale",
        BlobSource.Filled => "EdgeCache; fwd=uri-miss; stored",
        BlobSource.Collapsed => "EdgeCache; fwd=uri-miss; collapsed",
        _ => "EdgeCache; fwd=uri-miss",
    };
}
