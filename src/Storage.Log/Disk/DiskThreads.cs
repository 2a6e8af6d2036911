using System.Threading.Channels;

namespace EdgeCache.Storage.Log.Disk;

/// <summary>
/// A few threads of their own for calls that wait on the disk (syncs, renames), so that these never hold a thread of the pool that serves requests.
/// The queue is bounded: when it is full, whoever hands in work waits.
/// </summary>
internal sealed class DiskThreads : IDisposable
{
    private const int QueueLength = 1024;
    private readonly Channel<Action> _work = Channel.CreateBounded<Action>(QueueLength);

    public DiskThreads(int count)
    {
        for (var i = 0; i < count; i++)
            new Thread(Work) { IsBackground = true, Name = $"disk {i}" }.Start();
    }

    /// <summary>Runs a function on one of the threads. Its exception is the task's.</summary>
    public async Task<T> RunAsync<T>(Func<T> function)
    {
        var done = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        await _work.Writer.WriteAsync(() => Complete(function, done)).ConfigureAwait(false);
        return await done.Task.ConfigureAwait(false);
    }

    public void Dispose() => _work.Writer.TryComplete();

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

    private void Work()
    {
        var reader = _work.Reader;
        while (reader.WaitToReadAsync().AsTask().GetAwaiter().GetResult())
        {
            while (reader.TryRead(out var work))
                work();
        }
    }
}
