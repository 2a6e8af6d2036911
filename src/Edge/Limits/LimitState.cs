using EdgeCache.Edge.Configuration;

namespace EdgeCache.Edge.Limits;

/// <summary>The plan in force, and what is kept in mind of clients. The tables are made when they are first needed: a node without limits has none.</summary>
internal sealed class LimitState(LiveSettings settings)
{
    /// <summary>Principals that are kept in mind at a time.</summary>
    private const int MaxPrincipals = 8_192;

    private readonly Lazy<LimitTable> _clients = new(() => new LimitTable(settings.Current.Options.RateLimits.MaxClients));
    private readonly Lazy<LimitTable> _principals = new(() => new LimitTable(MaxPrincipals));

    // Protects the making of a plan: of two that carry on one last plan, all would have buckets of their own. No other lock is taken while it is held.
    private readonly Lock _planning = new();
    private volatile LimitPlan? _plan;

    public LimitPlan Plan => _plan is { } plan && ReferenceEquals(plan.Settings, settings.Current) ? plan : Replan();

    /// <summary>Addresses.</summary>
    public LimitTable Clients => _clients.Value;

    public LimitTable Principals => _principals.Value;

    /// <summary>The table of addresses, if there is one already.</summary>
    public LimitTable? KnownClients => _clients.IsValueCreated ? _clients.Value : null;

    private LimitPlan Replan()
    {
        lock (_planning)
        {
            var current = settings.Current;
            if (_plan is { } plan && ReferenceEquals(plan.Settings, current))
                return plan;
            return _plan = new LimitPlan(current, _plan);
        }
    }
}
