namespace EdgeCache.Storage.Tiering;

/// <summary>
/// Says which entry of the outbox is to be uploaded next: the oldest first; one that failed when its wait is over, so that it holds up no other; one of a key at a time.
/// When some tries in a row have failed, whoever's they were, the far store counts as out: then one try at a time is made, and the first that succeeds ends all waits.
/// </summary>
/// <remarks>Not safe for several threads. Holds what is under way and what failed; the rest stays in the outbox until it is its turn.</remarks>
internal sealed class UploadSchedule(IOutbox outbox, int parallelism, TimeProvider time)
{
    private const int PageLength = 64;

    /// <summary>Failures in a row that mean an outage.</summary>
    private const int OutageFailures = 4;

    /// <summary>An entry that has not been tried yet waits for no longer than that even in an outage: perhaps it is the others that can't be uploaded.</summary>
    private static readonly TimeSpan FirstWait = TimeSpan.FromSeconds(1);

    private static readonly TimeSpan LongestWait = TimeSpan.FromMinutes(5);

    private static readonly TimeSpan LongestOutageWait = TimeSpan.FromSeconds(30);

    private readonly long _began = time.GetTimestamp();
    private readonly Dictionary<BlobKey, OutboxEntry> _active = [];
    private readonly Dictionary<BlobKey, OutboxEntry> _behindActive = [];
    private readonly Queue<OutboxEntry> _fresh = new();
    private readonly Queue<OutboxEntry> _again = new();
    private readonly PriorityQueue<OutboxEntry, TimeSpan> _waits = new();
    private readonly Dictionary<long, int> _failures = [];

    /// <summary>The numbers of all entries that are in one of the above.</summary>
    private readonly HashSet<long> _known = [];

    private long _cursor;
    private int _failuresInRow;
    private TimeSpan _lastFailure;
    private TimeSpan _outageWait;

    /// <summary>Whether the far store counts as out.</summary>
    public bool IsOut => _failuresInRow >= OutageFailures;

    private TimeSpan Now => time.GetElapsedTime(_began);

    /// <summary>The next entry, which is under way from now on; null when none may be begun now.</summary>
    public OutboxEntry? TryTake()
    {
        while (_active.Count < (IsOut ? 1 : parallelism) && Pick() is { } entry)
        {
            if (!IsCurrent(entry))
            {
                Drop(entry);
                continue;
            }
            if (_active.TryAdd(entry.Key, entry))
                return entry;
            if (_behindActive.Remove(entry.Key, out var older))
                Drop(older);
            _behindActive.Add(entry.Key, entry);
        }
        return null;
    }

    /// <summary>How long until there may be something to take although nothing has happened; null when something has to happen first.</summary>
    public TimeSpan? UntilNext()
    {
        if (_active.Count >= (IsOut ? 1 : parallelism))
            return null;
        var due = TimeSpan.MaxValue;
        if (IsOut)
        {
            if (_again.Count > 0 || _waits.Count > 0)
                due = _lastFailure + _outageWait;
            if (HasFresh())
                due = TimeSpan.FromTicks(Math.Min(due.Ticks, (_lastFailure + FirstWait).Ticks));
        }
        else if (_waits.TryPeek(out _, out var first))
        {
            due = first;
        }
        if (due == TimeSpan.MaxValue)
            return null;
        return due > Now ? due - Now : TimeSpan.Zero;
    }

    /// <summary>A try has ended.</summary>
    /// <returns>How often the entry has failed in a row.</returns>
    public int End(OutboxEntry entry, UploadStatus status)
    {
        _active.Remove(entry.Key);
        if (_behindActive.Remove(entry.Key, out var next))
            _again.Enqueue(next);
        switch (status)
        {
            case UploadStatus.Later:
                return Fail(entry);
            case UploadStatus.Changed:
                _again.Enqueue(entry);
                return 0;
            case UploadStatus.Done:
                if (IsOut)
                    EndWaits();
                _failuresInRow = 0;
                break;
        }
        Drop(entry);
        return 0;
    }

    /// <summary>Lets everything be tried now.</summary>
    public void EndWaits()
    {
        _failuresInRow = 0;
        _failures.Clear();
        foreach (var (entry, _) in _waits.UnorderedItems.OrderBy(w => w.Element.Number))
            _again.Enqueue(entry);
        _waits.Clear();
    }

    private static TimeSpan Wait(int failures, TimeSpan longest)
    {
        var wait = Math.Min(FirstWait.TotalSeconds * Math.Pow(2, failures - 1), longest.TotalSeconds);
        // What failed together must not come again together.
#pragma warning disable CA5394 // Nobody gains anything from knowing it.
        return TimeSpan.FromSeconds(wait * (0.75 + (Random.Shared.NextDouble() / 4)));
#pragma warning restore CA5394
    }

    private int Fail(OutboxEntry entry)
    {
        var failures = _failures[entry.Number] = _failures.GetValueOrDefault(entry.Number) + 1;
        _lastFailure = Now;
        _failuresInRow++;
        if (IsOut)
            _outageWait = Wait(Math.Min(_failuresInRow - OutageFailures + 1, 30), LongestOutageWait);
        _waits.Enqueue(entry, Now + Wait(Math.Min(failures, 30), LongestWait));
        return failures;
    }

    private OutboxEntry? Pick() => IsOut ? PickOne() : _again.TryDequeue(out var again) ? again : PickDue() ?? PickFresh();

    /// <summary>For the one try that is made in an outage: something that was not tried yet, or what has waited longest.</summary>
    private OutboxEntry? PickOne()
    {
        if (Now - _lastFailure >= FirstWait && PickFresh() is { } fresh)
            return fresh;
        if (Now - _lastFailure < _outageWait)
            return null;
        return _again.TryDequeue(out var entry) || _waits.TryDequeue(out entry, out _) ? entry : null;
    }

    private OutboxEntry? PickDue() => _waits.TryPeek(out var entry, out var due) && due <= Now ? _waits.Dequeue() : null;

    private OutboxEntry? PickFresh() => HasFresh() ? _fresh.Dequeue() : null;

    private bool HasFresh()
    {
        if (_fresh.Count > 0)
            return true;
        ReadOn();
        if (_fresh.Count > 0 || outbox.State.Waiting <= _known.Count)
            return _fresh.Count > 0;
        // Some were released: they have old numbers.
        _cursor = 0;
        ReadOn();
        return _fresh.Count > 0;
    }

    private void ReadOn()
    {
        while (_fresh.Count == 0 && outbox.ListWaiting(_cursor, PageLength) is { Count: > 0 } page)
        {
            _cursor = page[^1].Number;
            foreach (var entry in page.Where(e => _known.Add(e.Number)))
                _fresh.Enqueue(entry);
        }
    }

    /// <summary>Whether the outbox still has the entry: it may have been replaced or removed since.</summary>
    private bool IsCurrent(OutboxEntry entry) => outbox.ListWaiting(entry.Number - 1, 1) is [var found] && found.Number == entry.Number;

    private void Drop(OutboxEntry entry)
    {
        _known.Remove(entry.Number);
        _failures.Remove(entry.Number);
    }
}
