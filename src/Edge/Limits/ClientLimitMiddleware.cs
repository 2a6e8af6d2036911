using EdgeCache.Edge.Access;
using EdgeCache.Edge.Admin;
using EdgeCache.Edge.Configuration;
using EdgeCache.Edge.Protocols;

namespace EdgeCache.Edge.Limits;

/// <summary>The mark of the endpoints for probes and scrapers.</summary>
internal sealed class ProbeMark
{
    public static ProbeMark Instance { get; } = new();
}

/// <summary>The cheap limits, of all clients and of an address, for everything that comes in on the main listener: before anybody's credentials are looked at, so that guessing them is limited too.</summary>
internal sealed class ClientLimitMiddleware(
    RequestDelegate next, RequestLimiter limiter, LimitState state, ClientAddresses addresses, TokenReader tokens, Reputation reputation, LimitAnswer answer)
{
    public Task InvokeAsync(HttpContext context)
    {
        if (!limiter.IsEnabled)
            return next(context);
        if (context.GetEndpoint()?.Metadata.GetMetadata<ProbeMark>() is not null)
            return AdmitProbe(context) is { IsAdmitted: false } refused ? answer.WriteAsync(context, refused) : next(context);
        var address = addresses.Of(context);
        var credentials = AsksForCredentials(context) ? tokens.Recall(context) : null;
        var verdict = limiter.AdmitClient(address, credentials);
        if (!verdict.IsAdmitted)
            return answer.WriteAsync(context, verdict);
        if (credentials == Recollection.New)
            return TryAsync(context, new Attempt(limiter, address));
        return verdict.IsWatched ? WatchAsync(context, next, reputation) : next(context);
    }

    /// <summary>What goes to a route of the user's own is for whoever answers there, and no try at anything here.</summary>
    private static bool AsksForCredentials(HttpContext context) =>
        ProtocolMiddleware.NamespaceOf(context) is not null || context.GetEndpoint()?.Metadata.GetMetadata<AdminMark>() is not null;

    /// <summary>Goes on with somebody who has demerits: a request that goes well makes up for some.</summary>
    internal static async Task WatchAsync(HttpContext context, RequestDelegate next, Reputation reputation)
    {
        await next(context);
        if (context.Response.StatusCode is >= StatusCodes.Status200OK and < StatusCodes.Status400BadRequest)
            reputation.ReportGood(context);
    }

    /// <summary>The first request of a connection, mostly. A name known from here on counts, so no address is watched.</summary>
    private async Task TryAsync(HttpContext context, Attempt attempt)
    {
        context.Features.Set(attempt);
        try
        {
            await next(context);
        }
        finally
        {
            attempt.Return();
        }
    }

    private Verdict AdmitProbe(HttpContext context) =>
        context.Connection.RemoteIpAddress is { } peer && NetworkText.IsIn(state.Plan.FreeNetworks, peer) ? Verdict.Admitted : limiter.AdmitProbe(addresses.Of(context));
}
