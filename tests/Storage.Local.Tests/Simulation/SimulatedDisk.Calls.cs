namespace EdgeCache.Storage.Local.Tests.Simulation;

/// <summary>The numbering of the calls, the fault plan and the trace.</summary>
internal sealed partial class SimulatedDisk
{
    private const int MaxTrace = 50_000;

    private readonly List<DiskCall> _trace = [];
    private readonly List<Fault> _faults = [];
    private string? _crash;
    private int _calls;
    private int _faultsHit;

    /// <summary>Number of calls so far that change the disk.</summary>
    public int Calls
    {
        get
        {
            lock (_lock)
                return _calls;
        }
    }

    public bool HasCrashed
    {
        get
        {
            lock (_lock)
                return _crash is not null;
        }
    }

    /// <summary>How many calls the plan has made fail, crash included.</summary>
    public int FaultsHit
    {
        get
        {
            lock (_lock)
                return _faultsHit;
        }
    }

    /// <summary>Adds to the fault plan; the first line that fits a call decides.</summary>
    public void Plan(Fault fault)
    {
        lock (_lock)
            _faults.Add(fault);
    }

    /// <summary>Drops the fault plan: from here on nothing fails.</summary>
    public void Repair()
    {
        lock (_lock)
            _faults.Clear();
    }

    /// <summary>Stops the machine between two calls.</summary>
    public void Crash()
    {
        lock (_lock)
            _crash ??= $"after call #{_calls}";
    }

    /// <summary>The last calls, a line each, those with a number and the others.</summary>
    public string Trace(int last = 80)
    {
        lock (_lock)
            return string.Join('\n', _trace.TakeLast(last));
    }

    /// <summary>Runs a change as the next numbered call, or what the plan makes of it.</summary>
    /// <param name="kind">What the call is.</param>
    /// <param name="path">On what.</param>
    /// <param name="detail">More words for the trace.</param>
    /// <param name="change">The change, given the number. It checks before it changes anything.</param>
    /// <param name="onFailure">What a planned failure leaves behind; nothing when null.</param>
    private void Change(CallKind kind, string path, string detail, Action<int> change, Action<Fault>? onFailure = null)
    {
        lock (_lock)
        {
            ThrowIfCrashed();
            var call = Add(new DiskCall(++_calls, kind, path, detail));
            var fault = _faults.Find(f => f.Hits(call));
            try
            {
                if (fault is null)
                {
                    change(call.Number);
                    return;
                }
                _faultsHit++;
                if (fault.Kind != FaultKind.Crash)
                {
                    onFailure?.Invoke(fault);
                    throw fault.ToException(call);
                }
                // The call was on its way: it may have happened, so it counts as done and not synced. A sync on its way has made nothing sure.
                _crash = $"at call {call}";
                if (kind is not (CallKind.Sync or CallKind.SyncFolder))
                    change(call.Number);
            }
            catch (IOException error) when (_crash is null)
            {
                call.Failure = error.Message;
                throw;
            }
            catch (IOException)
            {
                // The call would have been refused anyway; the crash is what its caller sees.
            }
            call.Failure = "crash";
            ThrowIfCrashed();
        }
    }

    private void Note(CallKind kind, string path, string detail)
    {
        ThrowIfCrashed();
        Add(new DiskCall(0, kind, path, detail));
    }

    private DiskCall Add(DiskCall call)
    {
        if (_trace.Count < MaxTrace)
            _trace.Add(call);
        return call;
    }

    private void ThrowIfCrashed()
    {
        if (_crash is not null)
            throw new SimulatedCrashException($"The simulated machine stopped {_crash}.");
    }
}
