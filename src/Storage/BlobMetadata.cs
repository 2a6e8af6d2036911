namespace EdgeCache.Storage;

/// <summary>
/// What is known of a blob besides its bytes. <see cref="Length"/> and <see cref="Sha256"/> always mean the uncompressed content.
/// Immutable; a store keeps every field, also those it does not use itself.
/// </summary>
public sealed record BlobMetadata
{
    /// <summary>Longest content type in bytes.</summary>
    public const int MaxContentTypeLength = 255;

    /// <summary>All stored headers together, names and values, in bytes.</summary>
    public const int MaxStoredHeadersLength = 8 * 1024;

    /// <summary>All tags together in bytes.</summary>
    public const int MaxTagsLength = 8 * 1024;

    /// <summary>The type given to content that came without one (RFC 9110, section 8.3).</summary>
    public const string DefaultContentType = "application/octet-stream";

    /// <summary>The blob's name.</summary>
    public required BlobKey Key { get; init; }

    /// <summary>Length of the content in bytes.</summary>
    public required long Length { get; init; }

    /// <summary>SHA-256 of the content. Not known (<see cref="Sha256Digest.IsKnown"/>) only where a far store has an object that somebody else put there.</summary>
    public required Sha256Digest Sha256 { get; init; }

    /// <summary>Media type (RFC 9110, section 8.3).</summary>
    public string ContentType { get; init; } = DefaultContentType;

    /// <summary>When the blob was stored; in UTC, whole milliseconds.</summary>
    public required DateTimeOffset Created { get; init; }

    /// <summary>Name of the principal that wrote it; empty when unknown.</summary>
    public string Writer { get; init; } = "";

    /// <summary>Tags given by the writer, for purging by tag.</summary>
    public IReadOnlyList<string> Tags { get; init; } = [];

    /// <summary>Header fields that the namespace keeps with a blob and gives back.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> StoredHeaders { get; init; } = [];

    /// <summary>Content coding of the stored payload (RFC 9110, section 8.4); empty means identity.</summary>
    public string Coding { get; init; } = "";

    /// <summary>Length of the stored payload in bytes; equal to <see cref="Length"/> for identity.</summary>
    public required long PayloadLength { get; init; }

    /// <summary>SHA-256 of the stored payload; equal to <see cref="Sha256"/> for identity.</summary>
    public required Sha256Digest PayloadSha256 { get; init; }

    /// <summary>
    /// Grows with every write of the store, also across restarts; of two blobs of one key the one with the larger generation is newer.
    /// Microseconds since 1970 when the clock allows it, so that a store that lost its files does not start over.
    /// </summary>
    public required long Generation { get; init; }

    /// <summary>The far store's validator (its ETag) for this content; empty when there is none. A far store itself gives its own where the writer gave none.</summary>
    public string FarValidator { get; init; } = "";

    /// <summary>
    /// Checksums of the content's blocks, where a far store tells them; null otherwise. What comes from there is held against them; not stored with the blob by a store that has
    /// its own.
    /// </summary>
    public BlockChecksums? Checksums { get; init; }

    /// <summary>Where a store that has others behind it knows this from; not stored with the blob.</summary>
    public BlobSource Source { get; init; }

    /// <summary>Fields that a newer version of the format has and this one does not know: kept as they are.</summary>
    public IReadOnlyList<UnknownField> UnknownFields { get; init; } = [];
}

/// <summary>A metadata field of an unknown type, kept so that an older node does not lose what a newer one wrote.</summary>
/// <param name="Type">The field's number.</param>
/// <param name="Value">Its bytes.</param>
public sealed record UnknownField(ushort Type, ReadOnlyMemory<byte> Value);
