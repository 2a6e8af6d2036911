using EdgeCache.Storage.Local.Index;

namespace EdgeCache.Storage.Local;

/// <summary>
/// Lets a blob into a namespace with a quota only while there is room for it, so that the quota holds at every moment. The sweeper keeps some room free in the
/// background; who finds none all the same has it make some, and waits for that, for a bounded time.
/// </summary>
internal sealed class QuotaGate(BlobIndex index, TimeProvider time, TimeSpan timeout)
{
    /// <summary>From this share of the quota on, the background makes room.</summary>
    public const double HighMark = 0.95;

    /// <summary>Down to this share.</summary>
    public const double LowMark = 0.90;

    // Held for a look at what is taken together with the taking. Nothing is locked within.
    private readonly Lock _taking = new();
    private readonly NamespaceTotals _granted = new();
    private readonly Dictionary<ushort, long> _wanted = [];
    private volatile TaskCompletionSource _pass = NewPass();

    /// <summary>Called when there is something to do for the sweeper.</summary>
    public Action Wake { get; set; } = static () => { };

    /// <summary>What a namespace has, and what has been let in and is not there yet; in bytes.</summary>
    public long Taken(ushort id) => index.BytesOf(id) + _granted[id];

    /// <summary>Waits until there is room for so many bytes, and holds it until <see cref="Leave"/>. False when there is none in time.</summary>
    public async ValueTask<bool> TryEnterAsync(ushort id, long quota, long bytes, CancellationToken cancellationToken)
    {
        var began = 0L;
        while (true)
        {
            var pass = _pass.Task;
            if (TryTake(id, quota, bytes))
                return true;
            began = began == 0 ? time.GetTimestamp() : began;
            var left = timeout - time.GetElapsedTime(began);
            if (left <= TimeSpan.Zero || bytes > quota)
                return false;
            Wake();
            try
            {
                await pass.WaitAsync(left, time, cancellationToken).ConfigureAwait(false);
            }
            catch (TimeoutException)
            {
                return false;
            }
        }
    }

    /// <summary>As <see cref="TryEnterAsync"/>, for one who is in and needs more than it asked for.</summary>
    public ValueTask<bool> TryGrowAsync(ushort id, long quota, long held, long bytes, CancellationToken cancellationToken) =>
        held + bytes > quota ? new(false) : TryEnterAsync(id, quota, bytes, cancellationToken);

    /// <summary>The blob is in the index by now, or will never be.</summary>
    public void Leave(ushort id, long bytes) => _granted.Add(id, -bytes);

    /// <summary>How many bytes have to go for the namespace to be at its low mark, and for the largest of those who wait to get in; 0 while it is below its high mark.</summary>
    public long TakeExcess(ushort id, long quota)
    {
        long wanted;
        lock (_taking)
            _wanted.Remove(id, out wanted);
        var taken = Taken(id);
        return taken <= quota * HighMark && taken <= quota - wanted ? 0 : taken - Math.Min((long)(quota * LowMark), quota - wanted);
    }

    /// <summary>A pass has ended: those who wait look again.</summary>
    public void EndPass()
    {
        var ended = _pass;
        _pass = NewPass();
        ended.TrySetResult();
    }

    private bool TryTake(ushort id, long quota, long bytes)
    {
        lock (_taking)
        {
            var taken = Taken(id) + bytes;
            if (taken > quota)
            {
                _wanted[id] = Math.Max(bytes, _wanted.GetValueOrDefault(id));
                return false;
            }
            _granted.Add(id, bytes);
            if (taken > quota * HighMark)
                Wake();
            return true;
        }
    }

    private static TaskCompletionSource NewPass() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
