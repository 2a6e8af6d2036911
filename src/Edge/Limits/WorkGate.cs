using EdgeCache.Edge.Configuration;

namespace EdgeCache.Edge.Limits;

/// <summary>Bounds the work that takes long and was asked for by a few words: lists, purges, scrubs. In force whether or not clients are limited.</summary>
internal sealed class WorkGate(LiveSettings settings)
{
    private int _running;

    /// <summary>Begins a piece of work if there may be one more; whoever begins one must <see cref="Leave"/>.</summary>
    public Verdict Enter()
    {
        var most = settings.Current.Options.RateLimits.MaxWork;
        if (Interlocked.Increment(ref _running) <= most || most == 0)
            return Verdict.Admitted;
        Leave();
        return Verdict.Refused(new Quota { Name = "work", Burst = most }, LimitUnit.Concurrent, 1_000_000_000);
    }

    public void Leave() => Interlocked.Decrement(ref _running);
}
