using EdgeCache.Storage;
using EdgeCache.Storage.Tiering;

namespace EdgeCache.Edge.Purging;

/// <summary>One purge under way. It lives in memory: a restart forgets it, with what it had not got to yet.</summary>
internal sealed class PurgeJob : IDisposable
{
    /// <summary>Blobs that are purged at one time.</summary>
    private const int Parallelism = 8;

    /// <summary>Keys that are remembered for providers; of more than that, the whole namespace is removed there.</summary>
    private const int MaxRemembered = 3000;

    private readonly CancellationTokenSource _stop;
    private readonly Lock _lock = new(); // Protects the fields below; held for an instant.
    private readonly List<BlobKey> _keys = [];
    private bool _hasMore;
    private PurgeReport _report;

    public PurgeJob(string id, PurgePlan plan, string askedBy, DateTimeOffset now, CancellationToken closing)
    {
        (Plan, AskedBy) = (plan, askedBy);
        _stop = CancellationTokenSource.CreateLinkedTokenSource(closing);
        _report = new PurgeReport
        {
            Id = id,
            State = "waiting",
            Namespace = plan.Namespace,
            What = plan.What,
            Mode = plan.Mode switch { PurgeMode.Soft => "soft", PurgeMode.Local => "local", _ => "hard" },
            Asked = now,
        };
    }

    public PurgePlan Plan { get; }

    /// <summary>Who asked for it.</summary>
    public string AskedBy { get; }

    /// <summary>Ends with the job.</summary>
    public Task Completed { get; set; } = Task.CompletedTask;

    public bool HasEnded => Report.State is "done" or "failed" or "cancelled";

    public PurgeReport Report
    {
        get
        {
            lock (_lock)
                return _report;
        }
    }

    public void Cancel() => _stop.Cancel();

    public void Dispose() => _stop.Dispose();

    /// <summary>Runs to its end. Never throws.</summary>
    public async Task RunAsync(IBlobStore store, OutwardPurger outward, TimeProvider time)
    {
        var state = "done";
        try
        {
            Change(r => r with { State = "running" });
            await PurgeAsync(store);
            if (Plan.Outward)
            {
                var told = await outward.TellAsync(Plan, Remembered(), Report.Id, _stop.Token);
                Change(r => r with { Outward = told });
            }
            if (Report is { Failed: > 0 } || Report.Outward.Any(o => !o.Ok))
                state = "failed";
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            state = "cancelled";
        }
#pragma warning disable CA1031 // Nobody awaits a job but those who ask for its report: whatever happens must be in it.
        catch (Exception error)
#pragma warning restore CA1031
        {
            state = "failed";
            Change(r => r with { Detail = error.Message });
        }
        Change(r => r with { State = state, Ended = time.GetUtcNow() });
    }

    private async Task PurgeAsync(IBlobStore store)
    {
        var options = new ParallelOptions { MaxDegreeOfParallelism = Parallelism, CancellationToken = _stop.Token };
        if (Plan.Keys is { } keys)
        {
            await Parallel.ForEachAsync(keys, options, async (key, stop) => Count(key, await PurgeKeyAsync(store, key, Plan.Mode, null, stop)));
            return;
        }

        // What is written from now on stays: who purges means what there was.
        var before = Report.Asked;
        var condition = new BlobCondition { UnmodifiedSince = before };
        var copies = store as ICopyPurger;
        if (copies is not null)
            await copies.ForgetAsync(Plan.Namespace, _stop.Token);
        if (Plan.Mode == PurgeMode.Hard)
        {
            try
            {
                await Parallel.ForEachAsync(store.ListAsync(Plan.Prefix!, _stop.Token), options, PurgeListedAsync);
            }
            catch (NotSupportedException)
            {
                Change(r => r with { Detail = "The far store can't list what it has: of it, only what is also here was purged." });
            }
        }

        // Copies of what the far store no longer has, and what is just coming in.
        if (copies is not null)
            await Parallel.ForEachAsync(copies.ListCopiesAsync(Plan.Prefix!, _stop.Token), options, PurgeListedAsync);

        async ValueTask PurgeListedAsync(BlobListing blob, CancellationToken stop)
        {
            if (blob.Created <= before)
                Count(blob.Key, await PurgeKeyAsync(store, blob.Key, Plan.Mode, condition, stop));
        }
    }

    /// <summary>Purges one blob, and what is fetched and remembered of it.</summary>
    public static ValueTask<Outcome<BlobMetadata>> PurgeKeyAsync(IBlobStore store, BlobKey key, PurgeMode mode, BlobCondition? condition, CancellationToken cancellationToken) => mode switch
    {
        PurgeMode.Hard => store.DeleteAsync(key, condition, cancellationToken),
        PurgeMode.Soft => ((ICopyPurger)store).SoftenCopyAsync(key, cancellationToken),
        _ => ((ICopyPurger)store).DropCopyAsync(key, cancellationToken),
    };

    private void Count(BlobKey key, Outcome<BlobMetadata> outcome)
    {
        lock (_lock)
        {
            _report = outcome.Status switch
            {
                StoreStatus.Ok => _report with { Found = _report.Found + 1, Purged = _report.Purged + 1 },
                StoreStatus.Missing => _report,
                StoreStatus.PreconditionFailed => _report with { Found = _report.Found + 1, Kept = _report.Kept + 1 },
                _ => _report with { Found = _report.Found + 1, Failed = _report.Failed + 1, Detail = _report.Detail ?? $"{key}: {outcome.Detail ?? outcome.Status.ToString()}" },
            };

            // Also what was not found here may be in a provider's cache.
            if (outcome.Status is not (StoreStatus.Ok or StoreStatus.Missing))
                return;
            if (_keys.Count < MaxRemembered)
                _keys.Add(key);
            else
                _hasMore = true;
        }
    }

    private IReadOnlyList<BlobKey>? Remembered()
    {
        lock (_lock)
            return _hasMore ? null : [.. _keys.Distinct()];
    }

    private void Change(Func<PurgeReport, PurgeReport> change)
    {
        lock (_lock)
            _report = change(_report);
    }
}
