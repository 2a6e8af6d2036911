using EdgeCache.Edge.Compression;
using EdgeCache.Storage;

namespace EdgeCache.Edge.Delivery;

/// <summary>
/// The header fields that follow from a blob and its namespace, as text. Made once for a blob that is asked for again and again: they cost more than the rest of a
/// small hit. Kept in a fixed number of places; a blob takes the place of another that shares its own.
/// </summary>
internal sealed class BlobFields
{
    private const int Places = 4096;

    /// <summary>Types that a browser would run or render in the node's own origin if a person opened the URL.</summary>
    private static readonly string[] ActiveTypes = ["html", "xml", "script", "pdf", "css", "wasm", "shockwave", "multipart/"];

    // Each place is read and written as a whole, and what is in it never changes; a lost race costs making the fields once more.
    private static readonly BlobFields?[] Recent = new BlobFields?[Places];

    private readonly Sha256Digest _sha256;
    private readonly Sha256Digest _payloadSha256;
    private readonly DateTimeOffset _created;
    private readonly string _contentType;
    private readonly string _farValidator;
    private readonly NamespacePolicy _policy;
    private readonly bool _isPublic;
    private readonly string? _storedETag;
    private readonly string? _storedDigest;

    // Made when they are asked for; a lost race makes the same text once more.
    private readonly string?[] _encodedETags = new string?[ContentCodings.Count];
    private int _shrinks;

    private BlobFields(BlobMetadata blob, NamespacePolicy policy, bool isPublic)
    {
        (_sha256, _payloadSha256, _created, _contentType, _farValidator, _policy, _isPublic) = (blob.Sha256, blob.PayloadSha256, blob.Created, blob.ContentType, blob.FarValidator, policy, isPublic);
        ETag = Representation.ETag(blob);
        LastModified = blob.Created.ToString("R");
        ReprDigest = DigestOf(blob.Sha256);
        if (CodedTags.Stored(blob) is { } stored)
            (_storedETag, _storedDigest) = (stored, DigestOf(blob.PayloadSha256));
        CacheControl = CacheFields.ControlOf(policy, isPublic);
        CdnControl = CacheFields.CdnControlOf(policy, isPublic);
        IsActive = Array.Exists(ActiveTypes, active => blob.ContentType.Contains(active, StringComparison.OrdinalIgnoreCase));
    }

    /// <summary>The strong validator; null where there is none.</summary>
    public string? ETag { get; }

    public string LastModified { get; }

    /// <summary>The digest of the content; null where it is not known.</summary>
    public string? ReprDigest { get; }

    /// <summary>Whether compressing the content is worth it; null as long as nobody has looked.</summary>
    public bool? Shrinks
    {
        get => Volatile.Read(ref _shrinks) switch
        {
            > 0 => true,
            < 0 => false,
            _ => null,
        };
        set => Volatile.Write(ref _shrinks, value switch
        {
            true => 1,
            false => -1,
            _ => 0,
        });
    }

    /// <summary>How long caches downstream may use the blob.</summary>
    public string CacheControl { get; }

    /// <summary>How long a CDN in front may use it; null where it is told nothing of its own.</summary>
    public string? CdnControl { get; }

    /// <summary>Whether a browser must be kept from opening it.</summary>
    public bool IsActive { get; }

    /// <summary>The validator of the blob in a coding; null where there is none.</summary>
    public string? ETagOf(SelectedCoding selected) => selected switch
    {
        { IsOpen: true } => null,
        { Coding: ContentCoding.Identity } => ETag,
        { IsStored: true } => _storedETag,
        _ => _encodedETags[(int)selected.Coding] ??= CodedTags.Encoded(ETag, selected.Coding),
    };

    /// <summary>The digest of what is sent; null where it is not known before it has been made.</summary>
    public string? ReprDigestOf(SelectedCoding selected) => selected.IsOpen ? null : selected.Coding == ContentCoding.Identity ? ReprDigest : selected.IsStored ? _storedDigest : null;

    /// <summary>The fields of a blob, made now or found.</summary>
    /// <param name="blob">The blob.</param>
    /// <param name="policy">Its namespace.</param>
    /// <param name="isPublic">Whether anybody may read.</param>
    public static BlobFields Of(BlobMetadata blob, NamespacePolicy policy, bool isPublic)
    {
        var hash = blob.Sha256.IsKnown ? blob.Sha256.GetHashCode() : blob.FarValidator.GetHashCode(StringComparison.Ordinal);
        ref var place = ref Recent[hash & (Places - 1)];
        var fields = Volatile.Read(ref place);
        if (fields is null || !fields.Fits(blob, policy, isPublic))
            Volatile.Write(ref place, fields = new BlobFields(blob, policy, isPublic));
        return fields;
    }

    private bool Fits(BlobMetadata blob, NamespacePolicy policy, bool isPublic) =>
        _sha256 == blob.Sha256 && _payloadSha256 == blob.PayloadSha256 && _created == blob.Created && ReferenceEquals(_policy, policy) && _isPublic == isPublic && _contentType == blob.ContentType && _farValidator == blob.FarValidator;

    private static string? DigestOf(Sha256Digest digest) => digest.IsKnown ? $"sha-256=:{digest.ToBase64()}:" : null;
}
