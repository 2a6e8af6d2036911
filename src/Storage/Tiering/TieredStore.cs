using Microsoft.Extensions.Logging;

namespace EdgeCache.Storage.Tiering;

/// <summary>
/// A local store in front of a far one. What is here is served from here; what is not is fetched once for all who ask; what is written goes to the far store before it is
/// acknowledged (through), or durably into an outbox first (back). The far store decides: about conditions, about who was first, about what is deleted.
/// </summary>
/// <remarks>
/// Locks: a key's gate around the change of both stores, so that they change in the same order; a fetch takes none, it publishes only if the key's generation is the one of before
/// it asked. A change goes to the far store first: a fetch that asked before it is refused by the generation, one that asked after it has got the new state.
/// </remarks>
public sealed partial class TieredStore : IBlobStore, IRedirector, ICopyPurger
{
    private const string BusyDetail = "Other changes of this key took too long.";

    private readonly IBlobStore _near;
    private readonly IBlobStore _far;
    private readonly TieredStoreOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly IOutbox? _outbox;
    private readonly KeyGate _gate;
    private readonly AnswerMemory _answers;
    private readonly TierCounters _counters = new();
    private readonly SoftPurges _softened = new();
    private readonly FillTable _fills;
    private readonly FarStats _stats;

    /// <summary>Two stores as one.</summary>
    /// <param name="near">The local store, whose writers are <see cref="IStagedBlobWriter"/>s. Owned from here on.</param>
    /// <param name="far">The far store. Owned from here on.</param>
    /// <param name="outbox">What is acknowledged and not in the far store yet; null where nothing is written back. Stays the caller's, with what uploads from it.</param>
    /// <param name="gate">One change of a key at a time; the uploader of the outbox uses the same.</param>
    /// <param name="options">How they work together.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">Where faults are told.</param>
    public TieredStore(IBlobStore near, IBlobStore far, IOutbox? outbox, KeyGate gate, TieredStoreOptions options, TimeProvider time, ILogger logger)
    {
        (_near, _far, _outbox, _gate, _options, _time, _logger) = (near, far, outbox, gate, options, time, logger);
        _answers = new AnswerMemory(time);
        _fills = new FillTable(near, far, IsPending, gate, options, _answers, _counters, time, logger);
        _stats = new FarStats(far, _answers, options);
    }

    /// <summary>Makes addresses of what is in the far store; null where nobody can.</summary>
    public IPresigner? Presigner { get; init; }

    /// <summary>Called when something was added to the outbox.</summary>
    public Action? OnOutboxAdded { get; set; }

    /// <inheritdoc/>
    public StoreState State => _near.State with { Tier = _counters.Read(_far.State.Fault, _fills.Count) };

    /// <inheritdoc/>
    public long GetGeneration(BlobKey key) => _near.GetGeneration(key);

    /// <summary>Ends what is being fetched, and closes both stores.</summary>
    public async ValueTask DisposeAsync()
    {
        await _fills.DisposeAsync().ConfigureAwait(false);
        await _far.DisposeAsync().ConfigureAwait(false);
        await _near.DisposeAsync().ConfigureAwait(false);
    }

    private bool IsPending(BlobKey key) => _outbox?.Contains(key) == true;

    /// <summary>Whether a local copy may be served without asking.</summary>
    private bool IsFresh(BlobMetadata copy, TierPolicy policy)
    {
        var since = _softened.Find(copy.Key);
        if ((since == 0 && policy.FreshFor is null) || IsPending(copy.Key))
            return true;
        if (_answers.Find(copy.Key, _near.GetGeneration(copy.Key)) is not { Blob: { } present } answer || !FarBlobs.AreSame(copy, present))
            return false;
        if (since != 0 && answer.At.Turn < since)
            return false;

        // Found good after it was purged softly: that is done with.
        if (since != 0)
            _softened.Remove(copy.Key, since);
        return policy.FreshFor is not { } limit || _answers.IsYounger(answer, limit);
    }

    /// <summary>
    /// A blob that is acknowledged and only here was not found. The far store has an older version, or none: nothing that it says is an answer, unless the local store knows all
    /// that it has and really has none.
    /// </summary>
    /// <returns>What is to be answered; null when it is not here.</returns>
    private async ValueTask<Outcome<T>?> LookAgainAsync<T>(Outcome<T> near, Func<ValueTask<Outcome<T>>> look)
        where T : class
    {
        if (near.Status != StoreStatus.Missing)
            return near;
        if (_near.State.Rebuilding is not null)
            return Outcome<T>.Fail(StoreStatus.Unavailable, "The node is still finding out which blobs it has; try again later.");

        // It may have been found out since the first look.
        var again = await look().ConfigureAwait(false);
        return again.Status == StoreStatus.Missing ? (Outcome<T>?)null : again;
    }

    /// <summary>
    /// The key's gate, for a change that goes to the far store under it. A request that came through other nodes does not wait for whoever has the gate before it is known that he does not wait for
    /// this very request: a question to the far store that has all of its way with it finds that out.
    /// </summary>
    /// <returns>What to dispose at the end; or, where it is null, why not.</returns>
    private async ValueTask<(IDisposable? Held, string Refusal)> EnterAsync(BlobKey key, CancellationToken cancellationToken)
    {
        if (_options.Route() is not null)
        {
            if (await _gate.EnterAsync(key, TimeSpan.Zero, cancellationToken).ConfigureAwait(false) is { } free)
                return (free, "");
            if (await FindCircleAsync(key, _near.GetGeneration(key), _options.PolicyOf(key.Namespace), cancellationToken).ConfigureAwait(false) is { } circle)
                return (null, circle.Detail!);
        }
        return (await _gate.EnterAsync(key, _options.WaitLimit, cancellationToken).ConfigureAwait(false), BusyDetail);
    }

    /// <summary>What the far store says of a key to a request that came through other nodes, if that is that it goes in a circle; null otherwise.</summary>
    private async ValueTask<Outcome<BlobMetadata>?> FindCircleAsync(BlobKey key, long stamp, TierPolicy policy, CancellationToken cancellationToken)
    {
        var far = await _stats.AskAsync(key, stamp, _softened.Find(key), policy, cancellationToken).ConfigureAwait(false);
        return far is { Status: StoreStatus.Unavailable, Detail: { } detail } && _options.IsForClients(detail) ? far : (Outcome<BlobMetadata>?)null;
    }

    private static Outcome<T> Failed<T>(StoreStatus status, string? detail)
        where T : class => detail is null ? status : Outcome<T>.Fail(status, detail);

    private static Outcome<T> Busy<T>()
        where T : class => Outcome<T>.Fail(StoreStatus.Unavailable, BusyDetail);

    [LoggerMessage(LogLevel.Warning, "{Key} was deleted or not stored; that nothing is to be uploaded can't be written down")]
    private partial void LogNotForgotten(Exception error, BlobKey key);

    [LoggerMessage(LogLevel.Debug, "The far store can't be asked about {Key}, so the local copy is served as it is: {Detail}")]
    private partial void LogStale(BlobKey key, string? detail);
}
