namespace EdgeCache.Storage.Tiering;

/// <summary>How the far tier is doing. Counters begin at 0 at the start.</summary>
public sealed record TierState
{
    /// <summary>Null while the far store answers; otherwise one sentence that says what is wrong.</summary>
    public string? FarFault { get; init; }

    /// <summary>Blobs that are being fetched now.</summary>
    public int OpenFills { get; init; }

    /// <summary>Fetches that were begun.</summary>
    public long Fills { get; init; }

    /// <summary>Reads that were served by a fetch that somebody else had begun.</summary>
    public long CollapsedReads { get; init; }

    /// <summary>Fetches that ended with the blob stored here.</summary>
    public long StoredFills { get; init; }

    /// <summary>Fetches whose content was not what it should be. Nothing of them is stored.</summary>
    public long MismatchedFills { get; init; }

    /// <summary>Fetches that were not stored because the key was written, deleted or purged meanwhile.</summary>
    public long SupersededFills { get; init; }

    /// <summary>Fetches that were ended because nobody waited for them any more.</summary>
    public long AbandonedFills { get; init; }

    /// <summary>Fetches that failed otherwise, in the middle.</summary>
    public long FailedFills { get; init; }

    /// <summary>Reads, or the rest of reads, that went past the local store: too large for it, full, failing, or a part far ahead of a fetch.</summary>
    public long DirectReads { get; init; }

    /// <summary>Local copies that the far store confirmed.</summary>
    public long Revalidations { get; init; }

    /// <summary>Local copies that were served although the far store could not be asked.</summary>
    public long StaleReads { get; init; }

    /// <summary>Writes that went past the local store.</summary>
    public long DirectWrites { get; init; }
}

/// <summary>Counts what the tiers do. Each counter is only ever incremented, and read on its own.</summary>
internal sealed class TierCounters
{
    private long _fills;
    private long _collapsed;
    private long _stored;
    private long _mismatched;
    private long _superseded;
    private long _abandoned;
    private long _failed;
    private long _directReads;
    private long _revalidations;
    private long _stale;
    private long _directWrites;

    public void Fill() => Interlocked.Increment(ref _fills);

    public void Collapsed() => Interlocked.Increment(ref _collapsed);

    public void Stored() => Interlocked.Increment(ref _stored);

    public void Mismatched() => Interlocked.Increment(ref _mismatched);

    public void Superseded() => Interlocked.Increment(ref _superseded);

    public void Abandoned() => Interlocked.Increment(ref _abandoned);

    public void Failed() => Interlocked.Increment(ref _failed);

    public void DirectRead() => Interlocked.Increment(ref _directReads);

    public void Revalidated() => Interlocked.Increment(ref _revalidations);

    public void Stale() => Interlocked.Increment(ref _stale);

    public void DirectWrite() => Interlocked.Increment(ref _directWrites);

    public TierState Read(string? farFault, int openFills) => new()
    {
        FarFault = farFault,
        OpenFills = openFills,
        Fills = Volatile.Read(ref _fills),
        CollapsedReads = Volatile.Read(ref _collapsed),
        StoredFills = Volatile.Read(ref _stored),
        MismatchedFills = Volatile.Read(ref _mismatched),
        SupersededFills = Volatile.Read(ref _superseded),
        AbandonedFills = Volatile.Read(ref _abandoned),
        FailedFills = Volatile.Read(ref _failed),
        DirectReads = Volatile.Read(ref _directReads),
        Revalidations = Volatile.Read(ref _revalidations),
        StaleReads = Volatile.Read(ref _stale),
        DirectWrites = Volatile.Read(ref _directWrites),
    };
}
