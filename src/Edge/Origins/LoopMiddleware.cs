using EdgeCache.Edge.Delivery;
using EdgeCache.Edge.Protocols;

namespace EdgeCache.Edge.Origins;

/// <summary>
/// Ends requests that go in circles: nodes that are each other's origin would otherwise wait for each other. Costs a look for one field where a request has none.
/// </summary>
internal sealed class LoopMiddleware(RequestDelegate next, NodeIdentity identity)
{
    public Task InvokeAsync(HttpContext context)
    {
        var field = context.Request.Headers[NodeIdentity.Field];
        return field.Count == 0 || context.Features.Get<BlobRequest>() is null ? next(context) : FollowAsync(context, field.ToString());
    }

    // What is set in an asynchronous method does not flow out of it, so the next request of the connection starts without.
    private async Task FollowAsync(HttpContext context, string chain)
    {
        if (identity.IsIn(chain))
        {
            await Problem.WriteAsync(context, StatusCodes.Status508LoopDetected, OriginFaults.Loop);
            return;
        }
        if (chain.Length > NodeIdentity.MaxFieldLength || chain.AsSpan().Count(',') + 1 >= NodeIdentity.MaxHops)
        {
            await Problem.WriteAsync(context, StatusCodes.Status508LoopDetected, $"The request came through too many nodes; at most {NodeIdentity.MaxHops} may be in a chain.");
            return;
        }
        if (chain.AsSpan().ContainsAnyExceptInRange(' ', '~'))
        {
            await Problem.WriteAsync(context, StatusCodes.Status400BadRequest, "CDN-Loop must be printable ASCII characters.");
            return;
        }
        OriginChain.Current = chain;
        await next(context);
    }
}
