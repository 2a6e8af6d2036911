using EdgeCache.Edge.Access;

namespace EdgeCache.Edge.Limits;

/// <summary>
/// Decides whether a request may go on. First the cheap limits, before anybody's credentials are looked at: all requests together, and those of an address. Then, when it is known who
/// it is, those of the principal and of the namespace. A principal pays for itself and not at its address; a request that is refused at one limit is given back at those before, other than a try at
/// credentials that failed. A decision allocates nothing and takes no lock, but the first one of a client that is not in the table.
/// </summary>
internal sealed class RequestLimiter(LimitState state, LimitClock clock)
{
    /// <summary>Longest time for which somebody has to pay for bytes, in nanoseconds: a blob that is far too large for a rate must not lock anybody out for hours.</summary>
    private const long MostOwed = 300_000_000_000;

    /// <summary>Bytes may be owed for as long as this before they count: a second's worth is a burst.</summary>
    private const long ByteTolerance = 1_000_000_000;

    /// <summary>What tells the health bucket of an address from the others.</summary>
    private const ulong Probes = 1;

    public bool IsEnabled => state.Plan.IsEnabled;

    /// <summary>The first decision, about all that is known then.</summary>
    /// <param name="address">Where it comes from.</param>
    /// <param name="credentials">How its credentials stand to what was looked at before on the connection; null for none.</param>
    public Verdict AdmitClient(ClientAddress address, Recollection? credentials)
    {
        var plan = state.Plan;
        var now = clock.Now;
        if (credentials == Recollection.Good)
            return TakeGlobal(plan, now, Verdict.Admitted, out _);

        ref var slot = ref state.Clients.GetOrAdd(address.Id, now);
        var points = plan.CountsConduct ? Demerits.At(Volatile.Read(ref slot.Demerits), now, plan.Recovery) : 0;

        // Whoever shares the address with somebody of bad conduct can still say who they are.
        var isAttempt = credentials == Recollection.New;
        if (!isAttempt && Demerits.LockOutOf(points, plan.Recovery) is > 0 and var locked)
            return Verdict.Refused(plan.Address, LimitUnit.Conduct, locked);
        if (!isAttempt && plan.Address.LimitsBytes && Gcra.WaitFor(ref slot.Bytes, now, ByteTolerance) is > 0 and var owed)
            return Verdict.Refused(plan.Address, LimitUnit.Bytes, owed);

        var quota = isAttempt ? plan.Attempts : plan.Address;
        ref var bucket = ref isAttempt ? ref slot.Attempts : ref slot.Requests;
        var cost = Scaled(quota.Interval, points);
        if (quota.LimitsRequests && !Gcra.TryTake(ref bucket, now, cost, quota.Tolerance, out var wait))
            return Verdict.Refused(quota, LimitUnit.Requests, wait);
        var verdict = TakeGlobal(plan, now, Verdict.AdmittedAs(watched: points > 0), out var refused);
        if (refused && quota.LimitsRequests)
            Gcra.Refund(ref bucket, cost);
        return verdict;
    }

    /// <summary>Health and metrics on the main listener: limited as the address is, and apart from it, so that a probe is not answered wrongly because of what else comes from there.</summary>
    public Verdict AdmitProbe(ClientAddress address)
    {
        var plan = state.Plan;
        var now = clock.Now;
        return plan.Address.LimitsRequests
            ? Take(ref state.Clients.GetOrAdd(KeyedHash.Of(address.Id, Probes), now).Requests, plan.Address, plan.Address.Interval, now)
            : Verdict.Admitted;
    }

    /// <summary>Gives a try at credentials back: they were good, or the same as the last wrong ones.</summary>
    public void ReturnAttempt(ClientAddress address)
    {
        var plan = state.Plan;
        if (plan.IsEnabled && plan.Attempts.LimitsRequests)
            Gcra.Refund(ref state.Clients.GetOrAdd(address.Id, clock.Now).Attempts, plan.Attempts.Interval);
    }

    /// <summary>The second decision, when it is known who it is and what it is about.</summary>
    public Verdict AdmitPrincipal(Principal principal, string @namespace)
    {
        var plan = state.Plan;
        var now = clock.Now;
        var watched = false;
        if (!principal.IsAnonymous)
        {
            var verdict = TakePrincipal(plan, principal, now);
            if (!verdict.IsAdmitted)
                return ReturnGlobal(plan, verdict);
            watched = verdict.IsWatched;
        }
        if (!plan.Namespaces.TryGetValue(@namespace, out var space))
            return Verdict.AdmittedAs(watched);
        var last = TakeShared(space, now);
        if (last.IsAdmitted)
            return Verdict.AdmittedAs(watched);
        if (!principal.IsAnonymous && QuotaOf(plan, principal) is { LimitsRequests: true } own)
            Gcra.Refund(ref state.Principals.GetOrAdd(principal.Id, now).Requests, own.Interval);
        return ReturnGlobal(plan, last);
    }

    /// <summary>The decision about a route of the user's own; null for a policy that is not there any more.</summary>
    public Verdict AdmitRoute(string policy, ClientAddress address)
    {
        if (!state.Plan.Policies.TryGetValue(policy, out var limit))
            return Verdict.Admitted;
        var now = clock.Now;
        return limit.PerAddress
            ? Take(ref state.Clients.GetOrAdd(KeyedHash.Of(address.Id, limit.Id), now).Requests, limit.Shared.Quota, limit.Shared.Quota.Interval, now)
            : TakeShared(limit.Shared, now);
    }

    /// <summary>Whether the bytes of somebody's requests have to be charged.</summary>
    public bool CountsBytes(Principal principal) => state.Plan is { IsEnabled: true } plan && (plan.LimitsBytes || QuotaOf(plan, principal).LimitsBytes);

    /// <summary>Charges content as it flows, once at each limit: what is owed then is waited for by the next request.</summary>
    public void ChargeBytes(Principal principal, ClientAddress address, string @namespace, long bytes)
    {
        var plan = state.Plan;
        var now = clock.Now;
        Charge(ref plan.Global.Bucket.Bytes, plan.Global.Quota, bytes, now);
        if (principal.IsAnonymous && plan.Address.LimitsBytes)
            Charge(ref state.Clients.GetOrAdd(address.Id, now).Bytes, plan.Address, bytes, now);
        else if (!principal.IsAnonymous && QuotaOf(plan, principal) is { LimitsBytes: true } own)
            Charge(ref state.Principals.GetOrAdd(principal.Id, now).Bytes, own, bytes, now);
        if (plan.Namespaces.TryGetValue(@namespace, out var space))
            Charge(ref space.Bucket.Bytes, space.Quota, bytes, now);
    }

    private static void Charge(ref long bucket, Quota quota, long bytes, long now)
    {
        if (quota.LimitsBytes)
            Gcra.Charge(ref bucket, now, quota.CostOf(bytes), MostOwed);
    }

    private static Quota QuotaOf(LimitPlan plan, Principal principal) => principal.Quota ?? plan.Principal;

    private static long Scaled(long interval, int points) => points == 0 ? interval : (long)(interval / Demerits.ShareOf(points));

    private static Verdict TakeGlobal(LimitPlan plan, long now, Verdict admitted, out bool refused)
    {
        var verdict = TakeShared(plan.Global, now);
        refused = !verdict.IsAdmitted;
        return refused ? verdict : admitted;
    }

    private static Verdict TakeShared(SharedLimit limit, long now)
    {
        if (limit.Quota.LimitsBytes && Gcra.WaitFor(ref limit.Bucket.Bytes, now, ByteTolerance) is > 0 and var owed)
            return Verdict.Refused(limit.Quota, LimitUnit.Bytes, owed);
        return limit.Quota.LimitsRequests ? Take(ref limit.Bucket.Requests, limit.Quota, limit.Quota.Interval, now) : Verdict.Admitted;
    }

    private static Verdict Take(ref long bucket, Quota quota, long cost, long now) =>
        Gcra.TryTake(ref bucket, now, cost, quota.Tolerance, out var wait) ? Verdict.Admitted : Verdict.Refused(quota, LimitUnit.Requests, wait);

    private static Verdict ReturnGlobal(LimitPlan plan, Verdict verdict)
    {
        if (plan.Global.Quota.LimitsRequests)
            Gcra.Refund(ref plan.Global.Bucket.Requests, plan.Global.Quota.Interval);
        return verdict;
    }

    private Verdict TakePrincipal(LimitPlan plan, Principal principal, long now)
    {
        var quota = QuotaOf(plan, principal);
        if (quota.IsNone && !plan.CountsConduct)
            return Verdict.Admitted;
        ref var slot = ref state.Principals.GetOrAdd(principal.Id, now);
        var points = plan.CountsConduct ? Demerits.At(Volatile.Read(ref slot.Demerits), now, plan.Recovery) : 0;
        if (Demerits.LockOutOf(points, plan.Recovery) is > 0 and var locked)
            return Verdict.Refused(quota, LimitUnit.Conduct, locked);
        if (quota.LimitsBytes && Gcra.WaitFor(ref slot.Bytes, now, ByteTolerance) is > 0 and var owed)
            return Verdict.Refused(quota, LimitUnit.Bytes, owed);
        var verdict = quota.LimitsRequests ? Take(ref slot.Requests, quota, Scaled(quota.Interval, points), now) : Verdict.Admitted;
        return verdict.IsAdmitted ? Verdict.AdmittedAs(watched: points > 0) : verdict;
    }
}
