namespace EdgeCache.Edge.Observability;

/// <summary>Counts and times every request, also one that fails or whose client goes away.</summary>
internal sealed class RequestMetricsMiddleware(RequestDelegate next, EdgeMetrics metrics, TimeProvider time)
{
    public async Task InvokeAsync(HttpContext context)
    {
        // A later middleware may change the method (a method override); the request is counted as it came.
        var method = context.Request.Method;
        var started = time.GetTimestamp();
        var status = 0;
        try
        {
            await next(context);
            status = StatusOf(context, failure: null);
        }
        catch (Exception failure)
        {
            status = StatusOf(context, failure);
            throw;
        }
        finally
        {
            metrics.RecordRequest(method, status, time.GetElapsedTime(started));
        }
    }

    private static int StatusOf(HttpContext context, Exception? failure)
    {
        if (context.Response.HasStarted)
            return context.Response.StatusCode;

        // Checked in this order: an abort also makes reads and writes fail, and what they throw is then no fault of the node.
        if (context.RequestAborted.IsCancellationRequested || (failure is not null && ClientGone.Explains(failure, context)))
            return ClientGone.Status;

        return failure switch
        {
            null => context.Response.StatusCode,
            // The server answers these with the status that the exception carries, everything else with 500.
            BadHttpRequestException bad => bad.StatusCode,
            _ => StatusCodes.Status500InternalServerError,
        };
    }
}
