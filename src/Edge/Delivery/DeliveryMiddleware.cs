using EdgeCache.Edge.Protocols;
using EdgeCache.Edge.Purging;

namespace EdgeCache.Edge.Delivery;

/// <summary>Answers requests for blobs, by method. Whatever is not about a blob goes on to YARP's forwarder.</summary>
internal sealed class DeliveryMiddleware(RequestDelegate next, GetHandler get, PutHandler put, DeleteHandler delete, PurgeHandler purge)
{
    public const string Allowed = "GET, HEAD, PUT, DELETE, PURGE, OPTIONS";

    public Task InvokeAsync(HttpContext context)
    {
        if (context.Features.Get<BlobRequest>() is not { } blob)
            return next(context);
        var method = context.Request.Method;
        if (HttpMethods.IsGet(method) || HttpMethods.IsHead(method))
            return get.HandleAsync(context, blob);
        if (HttpMethods.IsPut(method))
            return put.HandleAsync(context, blob);
        if (HttpMethods.IsDelete(method))
            return delete.HandleAsync(context, blob);
        if (method == PurgeHandler.Method)
            return purge.HandleAsync(context, blob);
        context.Response.Headers.Allow = Allowed;
        if (!HttpMethods.IsOptions(method))
            return Problem.WriteAsync(context, StatusCodes.Status405MethodNotAllowed, $"A blob can be asked for with {Allowed}.");
        context.Response.StatusCode = StatusCodes.Status204NoContent;
        return Task.CompletedTask;
    }
}
