using System.Runtime.ExceptionServices;

namespace EdgeCache.Storage.Local;

/// <summary>
/// Work on the processor that another thread may do while its owner goes on, if one is free: where none has begun by the time the owner needs the result, he does it himself. So it never takes
/// longer than doing it at once, and a pool without free threads stops nobody.
/// </summary>
/// <remarks>One owner, who begins and finishes by turns. What the work reads and writes is the work's own between the two.</remarks>
internal abstract class WorkBeside : IThreadPoolWorkItem, IDisposable
{
    private const int None = 0;
    private const int Waiting = 1;
    private const int Running = 2;

    // Bounded by what the work takes: nothing in it waits.
    private ManualResetEventSlim? _done;
    private int _state;
    private Exception? _fault;

    /// <summary>Whether it has been begun and not finished.</summary>
    protected bool IsUnderWay { get; private set; }

    /// <summary>Offers the work to others.</summary>
    public void Begin()
    {
        (_done ??= new()).Reset();
        IsUnderWay = true;
        Volatile.Write(ref _state, Waiting);
        ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
    }

    /// <summary>Returns when the work is done; does it, where nobody has begun. Without work it returns at once.</summary>
    public void Finish()
    {
        if (!IsUnderWay)
            return;
        IsUnderWay = false;
        if (!TryRun())
            _done!.Wait();
        if (Interlocked.Exchange(ref _fault, null) is { } fault)
            ExceptionDispatchInfo.Throw(fault);
    }

    /// <summary>Returns when nobody does the work any more; where it was not finished, its result is lost.</summary>
    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    protected virtual void Dispose(bool disposing)
    {
        if (IsUnderWay && Interlocked.CompareExchange(ref _state, None, Waiting) != Waiting)
            _done!.Wait();
        IsUnderWay = false;
        _done?.Dispose();
    }

    // Late for what it was queued for, it may find the next piece waiting: that is as good.
    void IThreadPoolWorkItem.Execute() => TryRun();

    protected abstract void Do();

    private bool TryRun()
    {
        if (Interlocked.CompareExchange(ref _state, Running, Waiting) != Waiting)
            return false;
        try
        {
            Do();
        }
#pragma warning disable CA1031 // It belongs to the owner, who gets it when he finishes.
        catch (Exception error)
#pragma warning restore CA1031
        {
            _fault = error;
        }
        Volatile.Write(ref _state, None);
        _done!.Set();
        return true;
    }
}
