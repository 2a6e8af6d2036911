using Microsoft.AspNetCore.Cors.Infrastructure;
using Microsoft.Net.Http.Headers;

namespace EdgeCache.Edge.Cors;

/// <summary>
/// Says of every answer that depends on the origin that it does, also where the request has none or one that is refused. The framework says it only of those that it allows: a shared
/// cache would keep the answer without its fields and give it to pages that may read it, or the other way round.
/// </summary>
internal sealed class VaryByOriginMiddleware(RequestDelegate next, ICorsPolicyProvider policies)
{
    public Task InvokeAsync(HttpContext context)
    {
        if (context.GetEndpoint()?.Metadata.GetMetadata<IEnableCorsAttribute>() is { } cors && ((CorsPolicies)policies).Find(context, cors.PolicyName) is { Origins.Count: > 0, AllowAnyOrigin: false })
            context.Response.OnStarting(static state => AddAsync((HttpResponse)state), context.Response);
        return next(context);
    }

    private static Task AddAsync(HttpResponse response)
    {
        // A forwarded answer may bring it along.
        if (!response.Headers.Vary.Any(v => v?.Contains(HeaderNames.Origin, StringComparison.OrdinalIgnoreCase) == true))
            response.Headers.Append(HeaderNames.Vary, HeaderNames.Origin);
        return Task.CompletedTask;
    }
}
