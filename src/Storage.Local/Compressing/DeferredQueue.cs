using System.Threading.Channels;

namespace EdgeCache.Storage.Local.Compressing;

/// <summary>A blob that was stored as it is and is to be compressed when there is time.</summary>
/// <param name="Hash">Of its key.</param>
/// <param name="Due">Not before, as a timestamp of the clock.</param>
/// <param name="Tries">How often it could not be done yet.</param>
internal readonly record struct Deferred(KeyHash Hash, long Due, int Tries);

/// <summary>Blobs that are to be compressed when there is time, the oldest first. Bounded; in memory only, so a restart forgets them, and they stay as they are.</summary>
/// <param name="limit">How many there may be; 0 for none. Asked every time, so that it may change.</param>
internal sealed class DeferredQueue(Func<int> limit)
{
    private readonly Channel<Deferred> _blobs = Channel.CreateUnbounded<Deferred>(new UnboundedChannelOptions { SingleReader = true });
    private int _count;

    /// <summary>Whether another blob may be added. Of many who ask at a time each may be told so; then some of their blobs are not added.</summary>
    public bool HasRoom => Count < limit();

    /// <summary>How many there are, with the one that was taken and has not been ended.</summary>
    public int Count => Volatile.Read(ref _count);

    public void Add(Deferred blob)
    {
        // What is bounded is the count: the channel never holds more.
        if (Interlocked.Increment(ref _count) > limit() || !_blobs.Writer.TryWrite(blob))
            Interlocked.Decrement(ref _count);
    }

    /// <summary>Takes the oldest, waiting for one. For one caller at a time, who ends each before he takes the next.</summary>
    public ValueTask<Deferred> TakeAsync(CancellationToken cancellationToken) => _blobs.Reader.ReadAsync(cancellationToken);

    /// <summary>What was taken is done with.</summary>
    public void End() => Interlocked.Decrement(ref _count);
}
