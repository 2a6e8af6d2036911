namespace EdgeCache.Storage.Local.Scrubbing;

/// <summary>Holds a reader to so many bytes a second, on average over a moment. For one reader at a time.</summary>
internal sealed class RateLimit(Func<long> bytesPerSecond, TimeProvider time)
{
    /// <summary>Shorter waits are saved up: a timer for each small blob would cost more than the blob.</summary>
    private static readonly TimeSpan Slack = TimeSpan.FromMilliseconds(20);

    /// <summary>When it may go on.</summary>
    private TimeSpan _ahead;
    private long _last = time.GetTimestamp();

    /// <summary>Notes that so many bytes have been read, and waits until they may have been.</summary>
    public async ValueTask SpendAsync(long bytes, CancellationToken cancellationToken)
    {
        var now = time.GetTimestamp();
        // What was not used is lost: a slow while is not made up for by a fast one.
        var left = _ahead - time.GetElapsedTime(_last, now);
        _ahead = (left > TimeSpan.Zero ? left : TimeSpan.Zero) + TimeSpan.FromSeconds((double)bytes / bytesPerSecond());
        _last = now;
        if (_ahead > Slack)
            await Task.Delay(_ahead, time, cancellationToken).ConfigureAwait(false);
    }
}
