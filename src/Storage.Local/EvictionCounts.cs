using EdgeCache.Storage.Local.Index;

namespace EdgeCache.Storage.Local;

/// <summary>Why a blob was evicted.</summary>
internal enum EvictionReason
{
    /// <summary>The store is full.</summary>
    Capacity,

    /// <summary>Its namespace is full.</summary>
    Quota,

    /// <summary>It was kept for as long as its namespace keeps blobs.</summary>
    Age,
}

/// <summary>Evicted blobs by namespace and reason, since the start. Lock-free: sums are only ever added to.</summary>
internal sealed class EvictionCounts
{
    private readonly NamespaceTotals[] _byReason = [new(), new(), new()];

    public long this[ushort namespaceId, EvictionReason reason] => _byReason[(int)reason][namespaceId];

    public void Add(ushort namespaceId, EvictionReason reason) => _byReason[(int)reason].Add(namespaceId, 1);
}
