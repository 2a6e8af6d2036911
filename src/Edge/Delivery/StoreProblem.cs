using EdgeCache.Edge.Origins;
using EdgeCache.Storage;

namespace EdgeCache.Edge.Delivery;

/// <summary>What a store's outcome is in HTTP. The one place where the two vocabularies meet.</summary>
internal static class StoreProblem
{
    private const string RetryAfterSeconds = "5";

    public static Task WriteAsync(HttpContext context, NamespacePolicy policy, StoreStatus status, string? detail)
    {
        switch (status)
        {
            case StoreStatus.Missing:
                return Problem.WriteAsync(context, StatusCodes.Status404NotFound, detail ?? "No blob is stored under this key.");
            case StoreStatus.Exists:
                return Problem.WriteAsync(context, StatusCodes.Status409Conflict, "Another blob is stored under this key, and the namespace does not replace blobs (Replaceable).");
            case StoreStatus.PreconditionFailed:
                return Problem.WriteAsync(context, StatusCodes.Status412PreconditionFailed, "The precondition does not hold for what is stored under this key.");
            case StoreStatus.TooLarge:
                return Problem.WriteAsync(
                    context,
                    StatusCodes.Status413PayloadTooLarge,
                    $"The limit for a blob is {policy.MaxBlobBytes} bytes, set with EdgeCache:Namespaces:{policy.Name}:MaxBlobSize.");
            case StoreStatus.LengthMismatch:
            case StoreStatus.DigestMismatch:
                return Problem.WriteAsync(context, StatusCodes.Status400BadRequest, detail ?? "The content is not what the request announced.");
            case StoreStatus.NoSpace:
                return Problem.WriteAsync(
                    context,
                    StatusCodes.Status507InsufficientStorage,
                    (detail ?? "The store has no room: its size limit (EdgeCache:Storage:MaxSize) or the floor of free disk space (EdgeCache:Storage:MinFreeSpace) is reached.") + QuotaNote(policy));
            case StoreStatus.Superseded:
                return Problem.WriteAsync(context, StatusCodes.Status409Conflict, "The key was written or deleted meanwhile.");
            case StoreStatus.Unavailable when detail == OriginFaults.Loop:
                return Problem.WriteAsync(context, StatusCodes.Status508LoopDetected, detail);
            case StoreStatus.Unavailable:
                context.Response.Headers.RetryAfter = RetryAfterSeconds;
                return Problem.WriteAsync(context, StatusCodes.Status503ServiceUnavailable, detail ?? "The store can't do this now.");
            default:
                throw new ArgumentOutOfRangeException(nameof(status), status, "Not a problem.");
        }
    }

    /// <summary>A quota may be what there is no room in; while content comes in, the store gives no reason.</summary>
    private static string QuotaNote(NamespacePolicy policy) => policy.Limits.QuotaBytes == long.MaxValue
        ? ""
        : $" The quota of the namespace is {policy.Limits.QuotaBytes} bytes, set with EdgeCache:Namespaces:{policy.Name}:Quota.";
}
