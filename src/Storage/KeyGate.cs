namespace EdgeCache.Storage;

/// <summary>
/// Lets one change of a key happen at a time within this process: look, decide, write. As many gates exist as changes are under way. Held over
/// calls to the server, each of which has a time-out; nothing else is locked while one is held.
/// </summary>
public sealed class KeyGate
{
    private readonly Lock _lock = new(); // Protects the table and the counts in it; held for an instant.
    private readonly Dictionary<BlobKey, Gate> _gates = [];

    /// <summary>Waits for the key.</summary>
    /// <param name="key">The key.</param>
    /// <param name="limit">Longest wait.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>What to dispose at the end; null when the wait took too long.</returns>
    public async ValueTask<IDisposable?> EnterAsync(BlobKey key, TimeSpan limit, CancellationToken cancellationToken)
    {
        Gate gate;
        lock (_lock)
        {
            if (!_gates.TryGetValue(key, out gate!))
                _gates.Add(key, gate = new Gate());
            gate.Users++;
        }
        var entered = false;
        try
        {
            entered = await gate.Semaphore.WaitAsync(limit, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            if (!entered)
                Leave(key, gate);
        }
        return entered ? new Holder(this, key, gate) : null;
    }

    private void Leave(BlobKey key, Gate gate)
    {
        lock (_lock)
        {
            if (--gate.Users > 0)
                return;
            _gates.Remove(key);
        }
        gate.Semaphore.Dispose();
    }

    private sealed class Gate
    {
        public SemaphoreSlim Semaphore { get; } = new(1, 1);

        public int Users { get; set; }
    }

    private sealed class Holder(KeyGate owner, BlobKey key, Gate gate) : IDisposable
    {
        public void Dispose()
        {
            gate.Semaphore.Release();
            owner.Leave(key, gate);
        }
    }
}
