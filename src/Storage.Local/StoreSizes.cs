namespace EdgeCache.Storage.Local;

/// <summary>How large the parts of a store are, which follows from its limit.</summary>
/// <param name="SegmentBytes">Where a segment is full.</param>
/// <param name="SmallBlobBytes">Longest content that becomes a record; longer content gets a file.</param>
internal readonly record struct StoreSizes(long SegmentBytes, int SmallBlobBytes)
{
    /// <summary>Eviction frees a segment at a time, so a store has some dozens of them.</summary>
    public const int SegmentsInStore = 64;
    private const long MinSegmentBytes = 64 * 1024;
    private const long MaxSegmentBytes = 64 << 20;

    /// <summary>Beyond this, a file of its own costs little next to its content.</summary>
    private const int MaxSmallBlobBytes = 64 * 1024;
    private const int BlobsInSegment = 8;

    public static StoreSizes For(long maxBytes)
    {
        var segment = Math.Clamp(maxBytes / SegmentsInStore, MinSegmentBytes, MaxSegmentBytes);
        return new StoreSizes(segment, (int)Math.Min(MaxSmallBlobBytes, segment / BlobsInSegment));
    }
}
