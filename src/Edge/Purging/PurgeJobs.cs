using System.Security.Cryptography;
using EdgeCache.Storage;

namespace EdgeCache.Edge.Purging;

/// <summary>The purges that are under way and the last that have ended: a fixed number of each. A stop of the node cancels them.</summary>
internal sealed class PurgeJobs(IBlobStore store, OutwardPurger outward, TimeProvider time) : IAsyncDisposable
{
    /// <summary>Purges at one time; others wait.</summary>
    private const int MaxRunning = 4;

    /// <summary>Purges that run or wait; more are refused.</summary>
    public const int MaxOpen = 32;

    /// <summary>Purges that have ended and can still be asked about.</summary>
    private const int MaxEnded = 128;

    private readonly Lock _lock = new(); // Protects the list and the flag; held for an instant.
    private readonly List<PurgeJob> _jobs = [];
    private readonly SemaphoreSlim _slots = new(MaxRunning, MaxRunning);
    private readonly CancellationTokenSource _closing = new();
    private bool _closed;

    /// <summary>Begins a purge; null when too many are under way, or the node is stopping.</summary>
    public PurgeJob? Begin(PurgePlan plan, string askedBy)
    {
        lock (_lock)
        {
            if (_closed || _jobs.Count(j => !j.HasEnded) >= MaxOpen)
                return null;
            while (_jobs.Count(j => j.HasEnded) >= MaxEnded)
                Forget(_jobs.First(j => j.HasEnded));
            var job = new PurgeJob(Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8)), plan, askedBy, time.GetUtcNow(), _closing.Token);
            _jobs.Add(job);
            job.Completed = Task.Run(() => RunAsync(job));
            return job;
        }
    }

    public PurgeJob? Find(string id)
    {
        lock (_lock)
            return _jobs.Find(j => j.Report.Id == id);
    }

    /// <summary>The newest first.</summary>
    public IReadOnlyList<PurgeReport> List()
    {
        lock (_lock)
            return [.. Enumerable.Reverse(_jobs).Select(j => j.Report)];
    }

    public async ValueTask DisposeAsync()
    {
        Task[] running;
        lock (_lock)
        {
            _closed = true;
            running = [.. _jobs.Select(j => j.Completed)];
        }
        await _closing.CancelAsync();
        await Task.WhenAll(running);
        foreach (var job in _jobs)
            job.Dispose();
        _slots.Dispose();
        _closing.Dispose();
    }

    private async Task RunAsync(PurgeJob job)
    {
        // A job that is cancelled while it waits says so itself, as soon as it runs.
        await _slots.WaitAsync(CancellationToken.None);
        try
        {
            await job.RunAsync(store, outward, time);
        }
        finally
        {
            _slots.Release();
        }
    }

    private void Forget(PurgeJob job)
    {
        _jobs.Remove(job);
        job.Dispose();
    }
}
