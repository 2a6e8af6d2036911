namespace EdgeCache.Storage.Local.Listing;

/// <summary>What the side table remembers of a blob, as of the record that it was read from.</summary>
/// <param name="Key">The blob.</param>
/// <param name="Segment">The segment of the record.</param>
/// <param name="Offset">Bytes from the segment's beginning.</param>
/// <param name="Length">Length of the content in bytes.</param>
/// <param name="Created">When it was stored.</param>
internal readonly record struct ListingRow(BlobKey Key, uint Segment, long Offset, long Length, DateTimeOffset Created);

/// <summary>Where a listing goes on.</summary>
/// <param name="Tenant">The first tenant that may have more; every later one is still to come.</param>
/// <param name="From">The first key of that tenant that may be next.</param>
internal readonly record struct ListingCursor(string Tenant, string From)
{
    public static ListingCursor Start(BlobPrefix prefix) => new(prefix.Tenant ?? "", prefix.KeyPrefix);
}

/// <summary>A part of a listing.</summary>
/// <param name="Rows">In order; may be empty though more follow.</param>
/// <param name="Next">Where the next part begins; null at the end.</param>
internal sealed record ListingPage(List<ListingRow> Rows, ListingCursor? Next);

/// <summary>How far a segment has been read.</summary>
/// <param name="Position">Bytes from the segment's beginning: what is before has its rows.</param>
/// <param name="LastOffset">Where the last record before the position is.</param>
/// <param name="LastRecord">The header of that record, live: another segment of the same id does not have it there. Null when there was none.</param>
internal readonly record struct SegmentMark(long Position, long LastOffset, byte[]? LastRecord);
