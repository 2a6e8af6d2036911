using EdgeCache.Edge.Configuration;
using EdgeCache.Edge.Delivery;
using EdgeCache.Edge.Protocols;
using Microsoft.Extensions.Primitives;

namespace EdgeCache.Edge.Origins;

/// <summary>
/// Ends requests that go in circles: nodes that are each other's origin would otherwise wait for each other. Costs a look for one field where a request has none, and for two where the
/// node has an origin to tell of them.
/// </summary>
internal sealed class LoopMiddleware(RequestDelegate next, NodeIdentity identity, LiveSettings settings)
{
    private readonly bool _hasOrigin = settings.Current.Options.Storage.Origin.Cluster is not null; // Takes a restart to change.

    public Task InvokeAsync(HttpContext context)
    {
        var request = context.Request;
        var loop = request.Headers[NodeIdentity.Field];
        var via = _hasOrigin ? request.Headers.Via : default;
        var isPlain = loop.Count == 0 && via.Count == 0 && (!_hasOrigin || HttpProtocol.IsHttp11(request.Protocol));
        return isPlain || context.Features.Get<BlobRequest>() is null ? next(context) : FollowAsync(context, TextOf(loop), TextOf(via));
    }

    // What is set in an asynchronous method does not flow out of it, so the next request of the connection starts without.
    private async Task FollowAsync(HttpContext context, string? loop, string? via)
    {
        if (identity.IsIn(loop) || identity.IsIn(via))
        {
            await Problem.WriteAsync(context, StatusCodes.Status508LoopDetected, OriginFaults.Loop);
            return;
        }
        if (loop?.Length > NodeIdentity.MaxFieldLength || via?.Length > NodeIdentity.MaxFieldLength || loop.AsSpan().Count(',') + 1 >= NodeIdentity.MaxHops)
        {
            await Problem.WriteAsync(context, StatusCodes.Status508LoopDetected, $"The request came through too many nodes; at most {NodeIdentity.MaxHops} may be in a chain.");
            return;
        }
        if (!IsPrintable(loop) || !IsPrintable(via))
        {
            await Problem.WriteAsync(context, StatusCodes.Status400BadRequest, "CDN-Loop and Via must be printable ASCII characters.");
            return;
        }
        if (_hasOrigin)
            RequestPath.Current = new RequestPath(loop, via, VersionOf(context.Request.Protocol));
        await next(context);
    }

    private static string? TextOf(StringValues field) => field.Count == 0 ? null : field.ToString();

    private static bool IsPrintable(string? field) => !field.AsSpan().ContainsAnyExceptInRange(' ', '~');

    private static string VersionOf(string protocol) => protocol.StartsWith("HTTP/", StringComparison.Ordinal) ? protocol["HTTP/".Length..] : protocol;
}
