using System.Runtime.CompilerServices;
using EdgeCache.Edge.Access;
using EdgeCache.Edge.Protocols;

namespace EdgeCache.Edge.Limits;

/// <summary>What counts against a client. Misses, errors of the node and transfers that are broken off never do.</summary>
internal enum Offence
{
    /// <summary>Wrong credentials, other than the last wrong ones: 5 in a hundred.</summary>
    WrongCredentials,

    /// <summary>A key that is none: 1 in a hundred.</summary>
    MalformedKey,

    /// <summary>Content that is not what its digest says: 2.5 in a hundred.</summary>
    DigestMismatch,
}

/// <summary>How somebody stands.</summary>
/// <param name="Client">The address, or the principal's name.</param>
/// <param name="Points">Thousandths of a point, 0 to 1000000.</param>
/// <param name="LockOut">For how long it is still locked out, in nanoseconds.</param>
internal readonly record struct Standing(string Client, int Points, long LockOut);

/// <summary>The conduct of clients: of a principal where one is known, whatever its address; of the address otherwise.</summary>
internal sealed class Reputation(LimitState state, LimitClock clock, ClientAddresses addresses, Authenticator authenticator)
{
    private const int Forgiven = 1_000;

    /// <summary>Most clients in one look.</summary>
    public const int MostShown = 1_000;

    /// <summary>Something counts against whoever makes a request.</summary>
    public void Report(HttpContext context, Offence offence)
    {
        if (state.Plan is not { CountsConduct: true } plan)
            return;
        ref var slot = ref SlotOf(PrincipalOf(context), context);
        Demerits.Add(ref slot.Demerits, PointsOf(offence), clock.Now, plan.Recovery);
    }

    /// <summary>Credentials were wrong. The same ones again are no new try: a build with an old token sends them a thousand times.</summary>
    /// <returns>Whether it is a new try.</returns>
    public bool ReportWrongCredentials(HttpContext context)
    {
        if (state.Plan is not { IsEnabled: true } plan)
            return true;
        var request = context.Request;
        var credentials = KeyedHash.Of(KeyedHash.Of(request.Headers.Authorization.ToString()), KeyedHash.Of(request.QueryString.Value));
        var now = clock.Now;
        ref var slot = ref state.Clients.GetOrAdd(addresses.Of(context).Id, now);
        if (Interlocked.Exchange(ref slot.LastWrong, credentials) == credentials)
            return false;
        if (plan.CountsConduct)
            Demerits.Add(ref slot.Demerits, PointsOf(Offence.WrongCredentials), now, plan.Recovery);
        return true;
    }

    /// <summary>Whoever makes a request has demerits, and it went well.</summary>
    public void ReportGood(HttpContext context)
    {
        if (state.Plan is { CountsConduct: true } plan)
            Demerits.Add(ref SlotOf(PrincipalOf(context), context).Demerits, -Forgiven, clock.Now, plan.Recovery);
    }

    /// <summary>How bad the conduct of an address was, 0 to 1.</summary>
    public double BadnessOf(ClientAddress address)
    {
        if (state.Plan is not { CountsConduct: true } plan)
            return 0;
        ref var slot = ref state.Clients.Find(address.Id);
        return Unsafe.IsNullRef(ref slot) ? 0 : (double)Demerits.At(Volatile.Read(ref slot.Demerits), clock.Now, plan.Recovery) / Demerits.Most;
    }

    /// <summary>Those addresses that stand worst, and how.</summary>
    public IReadOnlyList<Standing> WorstAddresses() =>
        Worst(state.Clients.All().Where(s => Demerits.AreAny(s.Demerits)).Select(s => ((Func<string>)new ClientAddress(s.Id).ToString, s.Demerits)));

    /// <summary>How these principals stand, of whom there is something to tell.</summary>
    public IReadOnlyList<Standing> WorstOf(IEnumerable<Principal> principals) => Worst(principals.Select(p => ((Func<string>)(() => p.Name), DemeritsOf(p))));

    /// <summary>An address stands well again.</summary>
    public void Forgive(ClientAddress address) => Clear(state.Clients, address.Id);

    public void Forgive(Principal principal) => Clear(state.Principals, principal.Id);

    public void ForgiveAll()
    {
        state.Clients.Forgive();
        state.Principals.Forgive();
    }

    private static void Clear(LimitTable table, ulong id)
    {
        ref var slot = ref table.Find(id);
        if (!Unsafe.IsNullRef(ref slot))
            Volatile.Write(ref slot.Demerits, 0);
    }

    private static int PointsOf(Offence offence) => offence switch
    {
        Offence.WrongCredentials => 50_000,
        Offence.MalformedKey => 10_000,
        _ => 25_000,
    };

    private Standing[] Worst(IEnumerable<(Func<string> Name, long Word)> known)
    {
        var recovery = state.Plan.Recovery;
        var now = clock.Now;
        var worst = new PriorityQueue<Func<string>, int>();
        foreach (var (name, word) in known)
        {
            if (Demerits.At(word, now, recovery) is > 0 and var points)
            {
                worst.Enqueue(name, points);
                if (worst.Count > MostShown)
                    worst.Dequeue();
            }
        }
        var standings = new Standing[worst.Count];
        for (var i = standings.Length - 1; worst.TryDequeue(out var name, out var points); i--)
            standings[i] = new Standing(name(), points, Demerits.LockOutOf(points, recovery));
        return standings;
    }

    private long DemeritsOf(Principal principal)
    {
        ref var slot = ref state.Principals.Find(principal.Id);
        return Unsafe.IsNullRef(ref slot) ? 0 : Volatile.Read(ref slot.Demerits);
    }

    /// <summary>A key is looked at before credentials are, so whoever sends a malformed one may still have to be identified.</summary>
    private Principal? PrincipalOf(HttpContext context) => context.Features.Get<BlobRequest>()?.Principal ?? authenticator.Identify(context).Principal;

    private ref ClientSlot SlotOf(Principal? principal, HttpContext context)
    {
        var now = clock.Now;
        if (principal is { IsAnonymous: false })
            return ref state.Principals.GetOrAdd(principal.Id, now);
        return ref state.Clients.GetOrAdd(addresses.Of(context).Id, now);
    }
}
