namespace EdgeCache.Storage.Local.Index;

/// <summary>What a snapshot says of the log that it was taken from.</summary>
internal sealed record SnapshotHeader
{
    /// <summary>The store that it belongs to.</summary>
    public required Guid StoreId { get; init; }

    /// <summary>The first generation that the log had not given out.</summary>
    public required ulong NextGeneration { get; init; }

    /// <summary>Every segment that existed, in any order.</summary>
    public required IReadOnlyList<SegmentPosition> Segments { get; init; }

    /// <summary>The name of each namespace id.</summary>
    public required IReadOnlyDictionary<ushort, string> Namespaces { get; init; }
}

/// <summary>How far into a segment a snapshot goes.</summary>
/// <param name="Segment">The segment's id.</param>
/// <param name="Class">The segment's class, as the log numbers them.</param>
/// <param name="Position">Bytes from the segment's start: the records before are in the snapshot, those from here on must be replayed.</param>
internal readonly record struct SegmentPosition(uint Segment, byte Class, long Position);
