namespace EdgeCache.TestKit;

/// <summary>What a request to an S3 server does.</summary>
public enum S3Call
{
    /// <summary>A GET of a whole object.</summary>
    Get,

    /// <summary>A GET of a part of one.</summary>
    GetRange,
    Head,
    Put,
    Copy,
    BeginParts,
    PutPart,
    CompleteParts,
    AbortParts,
    Delete,
    List,

    /// <summary>Anything else.</summary>
    Other,
}

/// <summary>A request that came to the proxy.</summary>
/// <param name="Call">What it does.</param>
/// <param name="Name">The object's name, without the bucket; empty for a call to the bucket.</param>
/// <param name="Head">Its head, as it came.</param>
public sealed record S3Request(S3Call Call, string Name, HttpHead Head)
{
    /// <summary>Understands a head in path style: <c>/bucket/name?query</c>.</summary>
    public static S3Request Parse(HttpHead head)
    {
        var (method, target) = (head.FirstLine[0], head.FirstLine[1]);
        var query = target.IndexOf('?', StringComparison.Ordinal);
        var path = query < 0 ? target : target[..query];
        var slash = path.IndexOf('/', 1);
        var name = slash < 0 ? "" : Uri.UnescapeDataString(path[(slash + 1)..]);
        return new S3Request(CallOf(method, name, query < 0 ? "" : target[(query + 1)..], head), name, head);
    }

    private static S3Call CallOf(string method, string name, string query, HttpHead head)
    {
        var fields = query.Split('&').Select(f => f.Split('=')[0]).ToHashSet(StringComparer.Ordinal);
        return method switch
        {
            "GET" when name.Length > 0 => head["Range"] is null ? S3Call.Get : S3Call.GetRange,
            "GET" when fields.Contains("list-type") => S3Call.List,
            "HEAD" when name.Length > 0 => S3Call.Head,
            "PUT" when fields.Contains("uploadId") => S3Call.PutPart,
            "PUT" when name.Length > 0 => head["x-amz-copy-source"] is null ? S3Call.Put : S3Call.Copy,
            "POST" when fields.Contains("uploads") => S3Call.BeginParts,
            "POST" when fields.Contains("uploadId") => S3Call.CompleteParts,
            "DELETE" when fields.Contains("uploadId") => S3Call.AbortParts,
            "DELETE" when name.Length > 0 => S3Call.Delete,
            _ => S3Call.Other,
        };
    }
}
