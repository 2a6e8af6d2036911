using EdgeCache.Edge.Observability;

namespace EdgeCache.Edge.Delivery;

/// <summary>
/// The outermost part of the pipeline: whatever goes wrong further in ends in a clear answer if there is still time for one, and in a cut connection if
/// a response has begun, because a response that ends well would pass for a whole one. Answers URLs that nobody serves, and <c>OPTIONS *</c>.
/// </summary>
internal sealed partial class FaultMiddleware(RequestDelegate next, ILogger<FaultMiddleware> logger)
{
    public async Task InvokeAsync(HttpContext context)
    {
        if (HttpMethods.IsOptions(context.Request.Method) && !context.Request.Path.HasValue)
        {
            // OPTIONS *: about the server as a whole (RFC 9110, section 9.3.7).
            context.Response.Headers.Allow = DeliveryMiddleware.Allowed;
            context.Response.StatusCode = StatusCodes.Status204NoContent;
            return;
        }
        try
        {
            await next(context);
            if (context is { Response: { HasStarted: false, StatusCode: StatusCodes.Status404NotFound } } && context.GetEndpoint() is null)
                await Problem.WriteAsync(context, StatusCodes.Status404NotFound, "Nothing is served under this path.");
        }
        catch (Exception error) when (ClientGone.Explains(error, context))
        {
            // There is nobody to answer. The abort may be raised a moment later, so the status says already what the request is to be counted as.
            if (!context.Response.HasStarted)
                context.Response.StatusCode = ClientGone.Status;

            // Otherwise the server may still try to read the rest of the body, and log that it can't.
            context.Abort();
        }
        catch (BadHttpRequestException error)
        {
            await EndAsync(context, error.StatusCode, error.Message);
        }
#pragma warning disable CA1031 // The last resort of a request: the process goes on.
        catch (Exception error)
#pragma warning restore CA1031
        {
            LogUnexpected(error, context.Request.Method, context.Request.Path);
            await EndAsync(context, StatusCodes.Status500InternalServerError, "The node failed to answer; its log says why.");
        }
    }

    private static async Task EndAsync(HttpContext context, int status, string detail)
    {
        if (context.Response.HasStarted)
        {
            context.Abort();
            return;
        }
        context.Response.Clear();
        await Problem.WriteAsync(context, status, detail);
    }

    [LoggerMessage(LogLevel.Error, "{Method} {Path} failed")]
    private partial void LogUnexpected(Exception error, string method, string path);
}
