using System.Net.Http.Headers;
using EdgeCache.Edge.Delivery;
using EdgeCache.Storage;

namespace EdgeCache.Edge.Origins;

/// <summary>A blob as an origin tells of it.</summary>
/// <param name="Blob">What our contract says of it.</param>
/// <param name="ETag">The origin's strong validator, with its quotes; null when it gives none, or a weak one, which does not tell one version's bytes from another's.</param>
internal sealed record OriginBlob(BlobMetadata Blob, string? ETag)
{
    private const int MaxValidatorLength = 512;

    /// <summary>Reads the header of a good answer to a GET or HEAD.</summary>
    /// <param name="target">The origin.</param>
    /// <param name="key">The blob.</param>
    /// <param name="answer">The answer.</param>
    /// <param name="length">Length of the whole content in bytes.</param>
    /// <exception cref="OriginException">The header contradicts itself, or what was sent is not the content as it is.</exception>
    public static OriginBlob Read(OriginTarget target, BlobKey key, HttpResponseMessage answer, long length)
    {
        var peer = target.IsEdgeCache && Single(answer.Headers, MetadataField.Name) is { } text
            ? MetadataField.TryRead(text) ?? throw Bad(target, $"sent a {MetadataField.Name} that can't be read")
            : null;
        CheckCoding(target, answer.Content.Headers, peer);
        var digest = ReadDigest(target, answer.Headers);
        var modified = answer.Content.Headers.LastModified;
        var etag = ReadETag(answer.Headers);
        return new OriginBlob(
            new BlobMetadata
            {
                Key = key,
                Length = length,
                PayloadLength = length,
                Sha256 = digest,
                PayloadSha256 = digest,
                ContentType = Single(answer.Content.Headers, "Content-Type") is { Length: > 0 and <= BlobMetadata.MaxContentTypeLength } type ? type : BlobMetadata.DefaultContentType,
                Created = peer?.Created ?? modified ?? DateTimeOffset.UnixEpoch,
                Generation = peer is { Generation: > 0 } ? peer.Generation : Math.Max(1, (modified ?? default).ToUnixTimeMilliseconds() * 1000),
                Writer = peer?.Writer ?? "",
                Tags = peer?.Tags ?? [],
                StoredHeaders = peer?.StoredHeaders ?? [],
                FarValidator = peer is { FarValidator.Length: > 0 } ? peer.FarValidator : etag ?? "",
                UnknownFields = peer?.UnknownFields ?? [],
                Checksums = BlockChecksums.TryParse(peer?.Checksums, length),
            },
            etag);
    }

    /// <summary>The strong validator of an answer; null for none.</summary>
    public static string? ReadETag(HttpResponseHeaders headers) => headers.ETag is { IsWeak: false, Tag.Length: <= MaxValidatorLength } tag ? tag.Tag : null;

    /// <summary>The length that the whole content has by a full or partial answer, and which part of it follows.</summary>
    public static (long Offset, long Length, long Total) ReadRange(OriginTarget target, HttpResponseMessage answer)
    {
        var headers = answer.Content.Headers;
        if (headers.ContentLength is not { } length)
            throw Bad(target, "did not say how long its answer is");
        if ((int)answer.StatusCode != StatusCodes.Status206PartialContent)
            return (0, length, length);
        if (headers.ContentRange is not { Unit: "bytes", From: { } first, To: { } last, Length: { } total } || last - first + 1 != length || last >= total)
            throw Bad(target, "answered a range that can't be read");
        return (first, length, total);
    }

    public static OriginException Bad(OriginTarget target, string what) => new(StoreStatus.Unavailable, $"{target.Name} {what}.");

    /// <summary>A coding that is not the blob's own would be stored as its content.</summary>
    private static void CheckCoding(OriginTarget target, HttpContentHeaders headers, PeerMetadata? peer)
    {
        if (Single(headers, "Content-Encoding") is not { } coding || coding.Equals("identity", StringComparison.OrdinalIgnoreCase))
            return;
        if (peer?.StoredHeaders.Any(h => h.Key == "content-encoding" && h.Value == coding) != true)
            throw Bad(target, $"sent its content in the coding '{(coding.Length > 20 ? "…" : coding)}', which was not asked for");
    }

    private static Sha256Digest ReadDigest(OriginTarget target, HttpResponseHeaders headers)
    {
        if (!headers.NonValidated.TryGetValues("Repr-Digest", out var lines))
            return default;
        var fields = new HeaderDictionary { ["Repr-Digest"] = lines.ToArray() };
        return DigestFields.TryRead(fields, out var digests) is null ? digests.Sha256 ?? default : throw Bad(target, "sent a Repr-Digest that can't be read");
    }

    private static string? Single(HttpHeaders headers, string name) => headers.NonValidated.TryGetValues(name, out var values) && values.Count == 1 ? values.ToString() : null;
}
