namespace EdgeCache.Storage.Local;

/// <summary>
/// One lock a key, from a fixed number of them that keys share by hash. A lock protects what happens to its keys: check, record, file, index entry.
/// Nobody holds two; nothing else is locked while one is held but an index shard, for an instant, and the queues of log and disk threads.
/// </summary>
internal sealed class KeyLocks
{
    private const int Count = 1024;
    private readonly SemaphoreSlim[] _locks = [.. Enumerable.Range(0, Count).Select(_ => new SemaphoreSlim(1, 1))];

    public async ValueTask<Holder> EnterAsync(BlobKey key, CancellationToken cancellationToken)
    {
        var semaphore = _locks[key.GetHashCode() & (Count - 1)];
        await semaphore.WaitAsync(cancellationToken).ConfigureAwait(false);
        return new Holder(semaphore);
    }

    /// <summary>As <see cref="EnterAsync"/>, for a thread that may wait.</summary>
    public Holder Enter(BlobKey key, CancellationToken cancellationToken)
    {
        var semaphore = _locks[key.GetHashCode() & (Count - 1)];
        semaphore.Wait(cancellationToken);
        return new Holder(semaphore);
    }

    /// <summary>Waits until every change that is under way now has ended.</summary>
    public async ValueTask PassThroughAsync()
    {
        foreach (var semaphore in _locks)
        {
            await semaphore.WaitAsync().ConfigureAwait(false);
            semaphore.Release();
        }
    }

    internal readonly struct Holder(SemaphoreSlim semaphore) : IDisposable
    {
        public void Dispose() => semaphore.Release();
    }
}
