namespace EdgeCache.Storage.Local.Tests.Simulation;

/// <summary>One write or deletion of a key.</summary>
/// <param name="Key">The key.</param>
/// <param name="Content">Digest of what was written; null for a deletion.</param>
/// <param name="Begin">Its place in the order of events.</param>
internal sealed record HistoryOperation(BlobKey Key, Sha256Digest? Content, int Begin)
{
    /// <summary>When the store answered; it never did while this is the largest number.</summary>
    public int End { get; set; } = int.MaxValue;

    /// <summary>Whether the answer was that it is done for good.</summary>
    public bool Acknowledged { get; set; }

    public override string ToString() =>
        $"{Begin}-{(End == int.MaxValue ? "" : End)} {(Content is { } digest ? $"put {digest.ToHex()[..8]}" : "delete")} {Key}{(Acknowledged ? " acknowledged" : "")}";
}

/// <summary>
/// What was asked of a store and what it acknowledged, up to the crash: an answer that comes later reaches nobody and is not recorded.
/// </summary>
internal sealed class History(SimulatedDisk disk)
{
    private readonly Lock _lock = new();
    private readonly List<HistoryOperation> _operations = [];
    private int _events;

    public IReadOnlyCollection<BlobKey> Keys
    {
        get
        {
            lock (_lock)
                return [.. _operations.Select(o => o.Key).Distinct()];
        }
    }

    /// <summary>Begins a write of content with a digest, or with null a deletion.</summary>
    public HistoryOperation Attempt(BlobKey key, Sha256Digest? content)
    {
        lock (_lock)
        {
            var operation = new HistoryOperation(key, content, _events++);
            if (!disk.HasCrashed)
                _operations.Add(operation);
            return operation;
        }
    }

    /// <summary>The store says it is done for good.</summary>
    public void Acknowledge(HistoryOperation operation) => End(operation, acknowledged: true);

    /// <summary>The store says that it failed, which leaves open whether it happened.</summary>
    public void Fail(HistoryOperation operation) => End(operation, acknowledged: false);

    /// <summary>The store says that it changed nothing (a condition did not hold): as if it had not been asked.</summary>
    public void Refuse(HistoryOperation operation)
    {
        lock (_lock)
        {
            if (!disk.HasCrashed)
                _operations.Remove(operation);
        }
    }

    /// <summary>
    /// What a key may have after the crash; null stands for no blob. Whatever began after an acknowledged operation supersedes it, once acknowledged
    /// itself; before that both are allowed.
    /// </summary>
    public IReadOnlyList<Sha256Digest?> Allowed(BlobKey key)
    {
        lock (_lock)
        {
            var operations = _operations.FindAll(o => o.Key == key);
            var acknowledged = operations.FindAll(o => o.Acknowledged);
            var allowed = operations.Where(o => !acknowledged.Exists(later => later.Begin > o.End)).Select(o => o.Content).ToList();
            if (acknowledged.Count == 0)
                allowed.Add(null);
            return [.. allowed.Distinct()];
        }
    }

    /// <summary>Equal for histories that allow the same.</summary>
    public override string ToString()
    {
        lock (_lock)
            return string.Join('\n', _operations);
    }

    private void End(HistoryOperation operation, bool acknowledged)
    {
        lock (_lock)
        {
            if (disk.HasCrashed)
                return;
            operation.End = _events++;
            operation.Acknowledged = acknowledged;
        }
    }
}
