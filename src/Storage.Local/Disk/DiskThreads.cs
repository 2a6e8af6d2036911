namespace EdgeCache.Storage.Local.Disk;

/// <summary>
/// A few threads of their own for calls that wait on the disk, so that these never hold a thread of the pool that serves requests. A thread is started when there
/// is work for it. The queue is bounded: when it is full, whoever hands in work waits.
/// </summary>
/// <remarks>Nothing here needs a thread of the pool to get work to a disk thread: a pool that is short of threads does not stop the disk.</remarks>
internal sealed class DiskThreads(int count, string name) : IDisposable
{
    private const int QueueLength = 1024;
    private readonly SemaphoreSlim _places = new(QueueLength, QueueLength);

    // Protects the fields below. Held for an instant; nothing else is taken while it is held. An object, because threads wait on it.
    private readonly object _gate = new();
    private readonly Queue<Action> _work = new();
    private int _threads;
    private int _idle;
    private bool _isClosed;

    /// <summary>Runs a function on one of the threads. Its exception is the task's. After the end, or where not one thread can be had, whoever comes runs his function himself.</summary>
    public Task<T> RunAsync<T>(Func<T> function) => QueueAsync(function, CancellationToken.None);

    /// <summary>As <see cref="RunAsync"/>, for one who may give up.</summary>
    /// <param name="function">What is to be done.</param>
    /// <param name="cancellationToken">Ends the wait for a place in the queue; what has one is done.</param>
    public async Task<T> QueueAsync<T>(Func<T> function, CancellationToken cancellationToken)
    {
        var done = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        await _places.WaitAsync(cancellationToken).ConfigureAwait(false);
        if (!TryAdd(() => Complete(function, done)))
        {
            _places.Release();
            return function();
        }
        return await done.Task.ConfigureAwait(false);
    }

    /// <summary>The threads end when what they were given is done.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _isClosed = true;
            Monitor.PulseAll(_gate);
        }
    }

    private static void Complete<T>(Func<T> function, TaskCompletionSource<T> done)
    {
        try
        {
            done.SetResult(function());
        }
#pragma warning disable CA1031 // Every fault belongs to the caller, who awaits it.
        catch (Exception fault)
#pragma warning restore CA1031
        {
            done.SetException(fault);
        }
    }

    private bool TryAdd(Action work)
    {
        lock (_gate)
        {
            if (_isClosed)
                return false;
            if (_idle > 0)
            {
                // Taken off here and not by the thread that wakes: two who come before it does must not count on the same one.
                _idle--;
                Monitor.Pulse(_gate);
            }
            else if (_threads < count && !TryStart() && _threads == 0)
            {
                return false;
            }
            // Last: work that is in the queue is done, so whoever was told that it can't be must not find it there.
            _work.Enqueue(work);
            return true;
        }
    }

    /// <summary>Starts one more thread; false when the system has none to give, which leaves the work to those that run.</summary>
    private bool TryStart()
    {
        try
        {
            // Without the caller's context: the thread outlives the request that happened to need it first.
            new Thread(Work) { IsBackground = true, Name = $"{name} {_threads}" }.UnsafeStart();
            _threads++;
            return true;
        }
        catch (Exception error) when (error is OutOfMemoryException or ThreadStartException)
        {
            return false;
        }
    }

    private void Work()
    {
        while (Take() is { } work)
        {
            _places.Release();
            work();
        }
    }

    private Action? Take()
    {
        lock (_gate)
        {
            Action? work;
            while (!_work.TryDequeue(out work) && !_isClosed)
            {
                _idle++;
                Monitor.Wait(_gate);
            }
            return work;
        }
    }
}
