using Microsoft.Extensions.Logging;

namespace EdgeCache.Storage.Tiering;

/// <summary>How somebody came to a fetch, or why not.</summary>
internal enum FillJoin
{
    /// <summary>By beginning it.</summary>
    Begun,

    /// <summary>Somebody else had begun it.</summary>
    Joined,

    /// <summary>Not: something has happened to the key, which is to be looked at again.</summary>
    LookAgain,

    /// <summary>Not: too many wait already.</summary>
    Full,

    /// <summary>Not: the store is closing.</summary>
    Closed,
}

/// <summary>The fetches that are under way: one a key, for all who ask.</summary>
internal sealed partial class FillTable(IBlobStore near, IBlobStore far, Func<BlobKey, bool> isPending, KeyGate gate, TieredStoreOptions options, AnswerMemory answers, TierCounters counters, TimeProvider time, ILogger logger) : IAsyncDisposable
{
    private readonly Lock _lock = new(); // Protects the three fields below; taken before a fetch's own. Held for an instant.
    private readonly Dictionary<BlobKey, Fill> _fills = [];
    private readonly Dictionary<Fill, Task> _running = [];
    private bool _closed;

    public IBlobStore Near => near;

    public IBlobStore Far => far;

    public KeyGate Gate => gate;

    /// <summary>Whether a blob is acknowledged and not in the far store yet.</summary>
    public bool IsPending(BlobKey key) => isPending(key);

    public TieredStoreOptions Options => options;

    public AnswerMemory Answers => answers;

    public TierCounters Counters => counters;

    public TimeProvider Time => time;

    public SemaphoreSlim Slots { get; } = new(options.MaxFills, options.MaxFills);

    public int Count
    {
        get
        {
            lock (_lock)
                return _running.Count;
        }
    }

    /// <summary>The key's fetch with one more reader: the one that is under way, if nothing has happened to the key since it began, or a new one.</summary>
    /// <param name="key">The key.</param>
    /// <param name="stamp">Its stamp from before it was found not to be here.</param>
    /// <param name="since">The turn in which its copy was purged softly: a fetch that began before that is not joined. 0 for never.</param>
    /// <param name="policy">Of its namespace.</param>
    /// <param name="mayLookAgain">Whether the asker looks again where the stamp has changed: what he did not find may have been published since, and its fetch be over.</param>
    /// <returns>The fetch, where there is one, and how it came to that.</returns>
    public (Fill? Fill, FillJoin Join) Join(BlobKey key, long stamp, long since, TierPolicy policy, bool mayLookAgain)
    {
        lock (_lock)
        {
            if (_closed)
                return (null, FillJoin.Closed);
            if (_fills.TryGetValue(key, out var fill) && fill.Begun.Turn >= since && fill.TryAddReader(stamp))
                return (fill, FillJoin.Joined);
            if (mayLookAgain && near.GetGeneration(key) != stamp)
                return (null, FillJoin.LookAgain);
            return _running.Count < options.MaxQueue ? (Begin(new Fill(this, key, stamp, policy, isRetry: false)), FillJoin.Begun) : (null, FillJoin.Full);
        }
    }

    /// <summary>What is being fetched now, with what is known of it.</summary>
    public IReadOnlyList<(BlobKey Key, BlobMetadata? Blob)> Fetching
    {
        get
        {
            lock (_lock)
                return [.. _fills.Select(f => (f.Key, f.Value.Opened is { IsCompletedSuccessfully: true } opened && opened.Result.IsOk ? opened.Result.Value : null))];
        }
    }

    /// <summary>What is known of a blob that is just coming in; null for nothing.</summary>
    public BlobMetadata? Find(BlobKey key, long stamp)
    {
        lock (_lock)
            return _fills.TryGetValue(key, out var fill) && fill.Stamp == stamp && fill.Opened is { IsCompletedSuccessfully: true } opened && opened.Result.IsOk ? opened.Result.Value : null;
    }

    /// <summary>A second try in place of a fetch whose content was wrong, with one reader: the first one, until it is disposed. Null when it would be of no use.</summary>
    public Fill? BeginRetry(Fill failed, TierPolicy policy)
    {
        lock (_lock)
            return _closed || near.GetGeneration(failed.Key) != failed.Stamp ? null : Begin(new Fill(this, failed.Key, failed.Stamp, policy, isRetry: true));
    }

    public void Remove(Fill fill)
    {
        lock (_lock)
        {
            _running.Remove(fill);
            if (_fills.TryGetValue(fill.Key, out var current) && ReferenceEquals(current, fill))
                _fills.Remove(fill.Key);
        }
    }

    public void OnPublished(BlobKey key, StoreStatus status)
    {
        if (status == StoreStatus.Ok)
        {
            counters.Stored();
        }
        else if (status == StoreStatus.Superseded)
        {
            counters.Superseded();
        }
        else
        {
            counters.Failed();
            LogNotStored(key, status);
        }
    }

    public void OnMismatch(BlobKey key, string detail)
    {
        counters.Mismatched();
        LogMismatch(key, detail);
    }

    public void OnRefused(BlobKey key, Exception error) => LogRefused(key, error.Message);

    public void OnFailed(BlobKey key, Exception error)
    {
        counters.Failed();
        LogFailed(error, key);
    }

    /// <summary>Ends all fetches and waits for them.</summary>
    public async ValueTask DisposeAsync()
    {
        Task[] running;
        lock (_lock)
        {
            _closed = true;
            running = [.. _running.Values];
            foreach (var fill in _running.Keys)
                fill.Stop();
        }
        await Task.WhenAll(running).ConfigureAwait(false);
        Slots.Dispose();
    }

    /// <summary>Called under the lock: the task removes itself under the same, so it is in the table before.</summary>
    private Fill Begin(Fill fill)
    {
        counters.Fill();
        _fills[fill.Key] = fill;
        _running.Add(fill, Task.Run(fill.RunAsync));
        return fill;
    }

    [LoggerMessage(LogLevel.Error, "What the far store sent for {Key} is not what it should be; nothing of it is stored: {Detail}")]
    private partial void LogMismatch(BlobKey key, string detail);

    [LoggerMessage(LogLevel.Warning, "{Key} could not be fetched from the far store")]
    private partial void LogFailed(Exception error, BlobKey key);

    [LoggerMessage(LogLevel.Warning, "{Key} can't be stored here, because of what the far store tells of it: {Detail}")]
    private partial void LogRefused(BlobKey key, string detail);

    [LoggerMessage(LogLevel.Information, "{Key} was fetched and could not be stored here: {Status}")]
    private partial void LogNotStored(BlobKey key, StoreStatus status);
}
