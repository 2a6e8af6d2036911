using EdgeCache.Edge.Access;
using EdgeCache.Edge.Configuration;

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
        var verdict = context.GetEndpoint()?.Metadata.GetMetadata<ProbeMark>() is null
            ? limiter.AdmitClient(addresses.Of(context), tokens.Recall(context))
            : AdmitProbe(context);
        if (!verdict.IsAdmitted)
            return answer.WriteAsync(context, verdict);
        return verdict.IsWatched ? WatchAsync(context, next, reputation) : next(context);
    }

    /// <summary>Goes on with somebody who has demerits: a request that goes well makes up for some.</summary>
    internal static async Task WatchAsync(HttpContext context, RequestDelegate next, Reputation reputation)
    {
        await next(context);
        if (context.Response.StatusCode is >= StatusCodes.Status200OK and < StatusCodes.Status400BadRequest)
            reputation.ReportGood(context);
    }

    private Verdict AdmitProbe(HttpContext context) =>
        context.Connection.RemoteIpAddress is { } peer && NetworkText.IsIn(state.Plan.FreeNetworks, peer) ? Verdict.Admitted : limiter.AdmitProbe(addresses.Of(context));
}
