using EdgeCache.Edge.Access;
using EdgeCache.Edge.Protocols;

namespace EdgeCache.Edge.Limits;

/// <summary>The limits of a principal and of a namespace, and of uploads at one time: after it is known who asks and for what, and before any of the body is read.</summary>
internal sealed class PrincipalLimitMiddleware(
    RequestDelegate next, RequestLimiter limiter, LimitState state, ClientAddresses addresses, Reputation reputation, UploadGate uploads, LimitAnswer answer)
{
    public Task InvokeAsync(HttpContext context)
    {
        if (!limiter.IsEnabled || context.Features.Get<BlobRequest>() is not { } blob)
            return next(context);
        var verdict = limiter.AdmitPrincipal(blob.Principal, blob.Key.Namespace);
        if (!verdict.IsAdmitted)
            return answer.WriteAsync(context, verdict);
        if (limiter.CountsBytes(blob.Principal))
            blob.Traffic = new Traffic(limiter, blob.Principal, addresses.Of(context), blob.Key.Namespace);
        if (HttpMethods.IsPut(context.Request.Method))
            return UploadAsync(context, blob.Principal, verdict.IsWatched);
        return verdict.IsWatched ? ClientLimitMiddleware.WatchAsync(context, next, reputation) : next(context);
    }

    private async Task UploadAsync(HttpContext context, Principal principal, bool watched)
    {
        var plan = state.Plan;
        var client = principal.IsAnonymous ? addresses.Of(context).Id : principal.Id;
        var verdict = uploads.Enter(client, plan.MaxUploads, plan.MaxUploadsPerClient);
        if (!verdict.IsAdmitted)
        {
            await answer.WriteAsync(context, verdict);
            return;
        }
        try
        {
            await (watched ? ClientLimitMiddleware.WatchAsync(context, next, reputation) : next(context));
        }
        finally
        {
            uploads.Leave(client);
        }
    }
}
