namespace EdgeCache.Storage.Tiering;

/// <summary>
/// Blobs as a far store tells of them, brought into the tiers' form. What we wrote has its digest beside it, and that says everything: the far store's validator is dropped.
/// Of what somebody else put there the digest is not known and the validator is kept, for good: by it the blob is known to clients.
/// </summary>
internal static class FarBlobs
{
    /// <summary>The blob in the tiers' form.</summary>
    public static BlobMetadata Normalize(BlobMetadata far, TierPolicy policy)
    {
        if (policy.Verified && Sha256Digest.TryParseHex(far.Key.Key, out var named))
            return far with { Sha256 = named, PayloadSha256 = named, FarValidator = "" };
        return far.Sha256.IsKnown ? far with { FarValidator = "" } : far;
    }

    /// <summary>Whether two blobs, both in the tiers' form, are the same version of the content.</summary>
    public static bool AreSame(BlobMetadata one, BlobMetadata other)
    {
        if (one.Length != other.Length)
            return false;
        return one.FarValidator.Length > 0 || other.FarValidator.Length > 0
            ? one.FarValidator == other.FarValidator
            : one.Sha256.IsKnown && one.Sha256 == other.Sha256;
    }
}
