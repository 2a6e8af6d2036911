using System.Buffers;
using EdgeCache.Edge.Compression;
using EdgeCache.Edge.Protocols;
using EdgeCache.Storage;
using Microsoft.Extensions.Primitives;

namespace EdgeCache.Edge.Delivery;

/// <summary>The header of a PUT, checked before its body is asked for.</summary>
internal static class UploadFields
{
    private static readonly SearchValues<char> TypeCharacters =
        SearchValues.Create(" !\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~");

    /// <summary>
    /// Makes the store's options of the header; otherwise the status and the sentence to refuse it with. The store's options speak of the content. What the request says of a body in a
    /// coding, its length and its digests, is about the body as it is sent.
    /// </summary>
    public static (int Status, string Detail)? TryRead(HttpRequest request, BlobRequest blob, UploadCodings codings, out PutOptions options, out DigestFields digests, out ContentCoding coding)
    {
        coding = ContentCoding.Identity;
        options = new PutOptions();
        digests = default;
        var headers = request.Headers;
        if (headers.ContentRange.Count > 0)
            return (StatusCodes.Status400BadRequest, "A PUT replaces the whole blob: Content-Range is not supported (RFC 9110, section 14.5).");
        if (codings.TryRead(headers.ContentEncoding, out coding) is { } codingFault)
            return (StatusCodes.Status415UnsupportedMediaType, codingFault);
        if (CheckType(headers.ContentType) is { } typeFault)
            return (StatusCodes.Status400BadRequest, typeFault);
        if (DigestFields.TryRead(headers, out digests) is { } digestFault)
            return (StatusCodes.Status400BadRequest, digestFault);
        if (!Preconditions.TryGetCondition(headers, out var condition))
            return (StatusCodes.Status400BadRequest, "A precondition of the request can't be understood.");
        if (TagFields.TryRead(headers, out var tags) is { } tagFault)
            return (StatusCodes.Status400BadRequest, tagFault);
        var expected = coding == ContentCoding.Identity ? digests.Sha256 : null;
        if (blob.Policy.Verified && Sha256Digest.TryParseHex(blob.Key.Key, out var fromKey))
        {
            if (expected is not null && expected != fromKey)
                return (StatusCodes.Status400BadRequest, "The digest that the request gives is not its key.");
            expected = fromKey;
        }
        options = new PutOptions
        {
            ExpectedLength = coding == ContentCoding.Identity ? request.ContentLength : null,
            ExpectedSha256 = expected,
            MaxLength = blob.Policy.MaxBlobBytes,
            Replace = blob.Policy.Replaceable,
            Condition = condition,
            ContentType = headers.ContentType is [{ Length: > 0 } type] ? type : BlobMetadata.DefaultContentType,
            Writer = blob.Principal.Name,
            Tags = tags,
        };
        return TryAddMetadata(headers[MetadataField.Name], ref options);
    }

    /// <summary>Another node tells what it knows of the blob. Who may write may say so, as anybody who has got this far.</summary>
    private static (int Status, string Detail)? TryAddMetadata(StringValues field, ref PutOptions options)
    {
        if (field.Count == 0)
            return null;
        if (field is not [{ } text] || MetadataField.TryRead(text) is not { } peer)
            return (StatusCodes.Status400BadRequest, $"{MetadataField.Name} is malformed, too long, or has fields that are not kept.");
        options = options with
        {
            Writer = peer.Writer,
            Created = peer.Created,
            Tags = peer.Tags,
            StoredHeaders = peer.StoredHeaders,
            UnknownFields = peer.UnknownFields,
        };
        return null;
    }

    private static string? CheckType(StringValues field)
    {
        if (field.Count > 1)
            return "Content-Type is given more than once.";
        var type = field.ToString();
        return type.Length > BlobMetadata.MaxContentTypeLength || type.AsSpan().ContainsAnyExcept(TypeCharacters)
            ? $"Content-Type must be at most {BlobMetadata.MaxContentTypeLength} printable ASCII characters."
            : null;
    }
}
