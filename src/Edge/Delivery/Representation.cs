using EdgeCache.Edge.Compression;
using EdgeCache.Storage;
using Microsoft.Extensions.Primitives;
using Microsoft.Net.Http.Headers;

namespace EdgeCache.Edge.Delivery;

/// <summary>The header fields that describe a blob: validators, caching, digest, and what keeps a browser from running it.</summary>
internal static class Representation
{
    /// <summary>Sets everything that GET, HEAD, 206 and 304 have in common (RFC 9110, section 15.4.5).</summary>
    /// <param name="response">The response.</param>
    /// <param name="fields">The blob's fields.</param>
    /// <param name="etag">The tag of what is sent, or of what the client has.</param>
    /// <param name="source">Where the blob comes from.</param>
    public static void SetValidators(HttpResponse response, BlobFields fields, string? etag, BlobSource source)
    {
        var headers = response.Headers;
        headers.ETag = etag;
        headers.Vary = StringValues.Concat(headers.Vary, HeaderNames.AcceptEncoding);
        headers.LastModified = fields.LastModified;
        headers["Cache-Status"] = CacheStatus(source);
    }

    /// <summary>Sets what describes what is sent.</summary>
    public static void SetContent(HttpResponse response, BlobMetadata blob, BlobFields fields, SelectedCoding selected)
    {
        var headers = response.Headers;
        headers.ContentType = blob.ContentType;
        if (selected.Coding == ContentCoding.Identity)
        {
            if (!selected.IsOpen)
                headers.AcceptRanges = "bytes";
        }
        else
        {
            // A range would be one of the content: nobody is to continue this with it.
            headers.AcceptRanges = "none";
            headers.ContentEncoding = ContentCodings.NameOf(selected.Coding);
        }
        if (fields.ReprDigestOf(selected) is { } digest)
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
