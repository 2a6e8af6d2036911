namespace EdgeCache.Storage;

/// <summary>What a writer says of the blob it is about to write.</summary>
public sealed record PutOptions
{
    /// <summary>Length of the content in bytes, when it is known; another length is a <see cref="StoreStatus.LengthMismatch"/>.</summary>
    public long? ExpectedLength { get; init; }

    /// <summary>SHA-256 of the content, when it is known; another digest is a <see cref="StoreStatus.DigestMismatch"/>.</summary>
    public Sha256Digest? ExpectedSha256 { get; init; }

    /// <summary>Most bytes of content to take; more is <see cref="StoreStatus.TooLarge"/>. Default: no limit.</summary>
    public long MaxLength { get; init; } = long.MaxValue;

    /// <summary>
    /// Whether another blob of this key is replaced (atomically). Otherwise a different one that is there already stays and
    /// the outcome is <see cref="StoreStatus.Exists"/>. Default: no.
    /// </summary>
    public bool Replace { get; init; }

    /// <summary>A condition on the blob that is there at the moment of publishing; null for none.</summary>
    public BlobCondition? Condition { get; init; }

    /// <summary>
    /// A stamp of <see cref="IBlobStore.GetGeneration"/>: publish only if nothing has happened to the key since. A fill of a cache sets this, so that it
    /// never overtakes a newer write, delete or purge. Null for none.
    /// </summary>
    public long? IfGeneration { get; init; }

    /// <summary>Media type, at most <see cref="BlobMetadata.MaxContentTypeLength"/> bytes of ASCII.</summary>
    public string ContentType { get; init; } = BlobMetadata.DefaultContentType;

    /// <summary>Name of the principal that writes.</summary>
    public string Writer { get; init; } = "";

    /// <summary>Tags, at most <see cref="BlobMetadata.MaxTagsLength"/> bytes together.</summary>
    public IReadOnlyList<string> Tags { get; init; } = [];

    /// <summary>Header fields to keep, at most <see cref="BlobMetadata.MaxStoredHeadersLength"/> bytes together.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> StoredHeaders { get; init; } = [];

    /// <summary>The far store's validator for this content.</summary>
    public string FarValidator { get; init; } = "";

    /// <summary>When the blob was stored at first, for a copy of one; in UTC, whole milliseconds. Null means now.</summary>
    public DateTimeOffset? Created { get; init; }

    /// <summary>Fields of an unknown type that came with a copied blob.</summary>
    public IReadOnlyList<UnknownField> UnknownFields { get; init; } = [];

    /// <summary>Checksums of the content's blocks, where the content is known beforehand; null otherwise. A far store keeps them with the blob.</summary>
    public BlockChecksums? Checksums { get; init; }

    /// <summary>What to say of a copy of a blob: the same, as far as it is known.</summary>
    public static PutOptions CopyOf(BlobMetadata blob) => new()
    {
        ExpectedLength = blob.Length,
        ExpectedSha256 = blob.Sha256.IsKnown ? blob.Sha256 : null,
        ContentType = blob.ContentType,
        Writer = blob.Writer,
        Tags = blob.Tags,
        StoredHeaders = blob.StoredHeaders,
        FarValidator = blob.FarValidator,
        UnknownFields = blob.UnknownFields,
        Created = blob.Created,
    };

    /// <summary>What is known of the blob before its content: length, digests and generation are open.</summary>
    /// <param name="key">Its name.</param>
    /// <param name="now">When it is stored, unless it is a copy.</param>
    public BlobMetadata Draft(BlobKey key, DateTimeOffset now) => new()
    {
        Key = key,
        Length = 0,
        Sha256 = default,
        PayloadLength = 0,
        PayloadSha256 = default,
        Created = Created ?? DateTimeOffset.FromUnixTimeMilliseconds(now.ToUnixTimeMilliseconds()),
        Generation = 0,
        ContentType = ContentType,
        Writer = Writer,
        Tags = Tags,
        StoredHeaders = StoredHeaders,
        FarValidator = FarValidator,
        UnknownFields = UnknownFields,
    };
}

/// <summary>What an acknowledged write did.</summary>
public enum PutEffect
{
    /// <summary>No blob had the key; now this one has.</summary>
    Created,

    /// <summary>A different blob had the key and was replaced.</summary>
    Replaced,

    /// <summary>The key already had a blob with the same content.</summary>
    Unchanged,
}

/// <summary>How far an acknowledged blob has got: what would survive what.</summary>
public enum StoredWhere
{
    /// <summary>Nowhere for good: it may be gone after a crash.</summary>
    None,

    /// <summary>Synced to this node's disk.</summary>
    Local,

    /// <summary>Held by the far store.</summary>
    Far,
}

/// <summary>The acknowledgement of a write.</summary>
/// <param name="Effect">What it did.</param>
/// <param name="Metadata">The blob that the key has now.</param>
/// <param name="Stored">How far it got.</param>
public sealed record PutReceipt(PutEffect Effect, BlobMetadata Metadata, StoredWhere Stored);
