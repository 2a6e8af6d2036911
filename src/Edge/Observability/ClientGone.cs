using Microsoft.AspNetCore.Connections;

namespace EdgeCache.Edge.Observability;

/// <summary>Tells a client that went away before a response began from a fault of the node.</summary>
internal static class ClientGone
{
    /// <summary>No such status is ever read by anybody; the number is what reverse proxies have counted this as for years.</summary>
    public const int Status = 499;

    // The server marks a body that ended too early by this message alone. It throws it a moment before or after it raises the abort, so without
    // this the same event would be counted as 400 or as 499 by chance. Should the message change, such a request is a 400.
    private const string BodyEndedEarly = "Unexpected end of request content.";

    /// <summary>Whether this is what reading from, or writing to, a client that has gone throws.</summary>
    public static bool Explains(Exception failure, HttpContext context) =>
        failure is ConnectionResetException or ConnectionAbortedException or BadHttpRequestException { Message: BodyEndedEarly }
        || (failure is IOException or OperationCanceledException && context.RequestAborted.IsCancellationRequested);
}
