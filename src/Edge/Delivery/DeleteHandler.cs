using EdgeCache.Edge.Compression;
using EdgeCache.Edge.Protocols;
using EdgeCache.Storage;

namespace EdgeCache.Edge.Delivery;

/// <summary>DELETE of a blob.</summary>
internal sealed class DeleteHandler(IBlobStore store)
{
    public async Task HandleAsync(HttpContext context, BlobRequest blob)
    {
        if (!Preconditions.TryGetCondition(context.Request.Headers, out var condition))
        {
            await Problem.WriteAsync(context, StatusCodes.Status400BadRequest, "A precondition of the request can't be understood.");
            return;
        }
        condition = await CodedTags.ResolveAsync(condition, store, blob.Key, context.RequestAborted);
        var deleted = await store.DeleteAsync(blob.Key, condition, context.RequestAborted);
        if (deleted.IsOk)
            context.Response.StatusCode = StatusCodes.Status204NoContent;
        else
            await StoreProblem.WriteAsync(context, blob.Policy, deleted.Status, deleted.Detail);
    }
}
