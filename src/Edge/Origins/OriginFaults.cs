using System.Net.Sockets;
using System.Security.Authentication;
using EdgeCache.Storage;

namespace EdgeCache.Edge.Origins;

/// <summary>A call to an origin that went wrong, with the outcome that it means and one sentence for the operator, never with a secret.</summary>
internal sealed class OriginException(StoreStatus status, string message, Exception? inner = null) : IOException(message, inner)
{
    public StoreStatus Status => status;
}

/// <summary>Makes one sentence of what went wrong with an origin.</summary>
internal static class OriginFaults
{
    /// <summary>Answered with 508 towards the client, and passed on from node to node.</summary>
    public const string Loop = "The request goes in circles: nodes are each other's origin (EdgeCache:Storage:Origin:Cluster).";

    /// <summary>Whether this is something that can happen to a call, rather than a fault of the program.</summary>
    public static bool IsExpected(Exception error) => error is HttpRequestException or IOException or SocketException or TimeoutException or OperationCanceledException;

    /// <summary>Whether nothing of the request has been sent: there was no connection.</summary>
    public static bool IsUnsent(Exception error) =>
        error is HttpRequestException { HttpRequestError: HttpRequestError.ConnectionError or HttpRequestError.NameResolutionError or HttpRequestError.SecureConnectionError or HttpRequestError.ProxyTunnelError }
        || error.InnerException is TimeoutException;

    /// <summary>Whether another destination may well do better, and this one should be held in doubt.</summary>
    public static bool IsFailing(int status) => status is 500 or 502 or 503 or 504;

    /// <summary>What an answer means that nobody has asked for.</summary>
    public static OriginException Unexpected(OriginTarget target, HttpResponseMessage answer)
    {
        var status = (int)answer.StatusCode;
        return new OriginException(StoreStatus.Unavailable, status switch
        {
            401 or 403 => $"{target.Name} refuses this node ({status}): check EdgeCache:Storage:Origin:Token or TokenFile.",
            404 or 410 => $"{target.Name} does not serve this namespace or path ({status}): check its namespaces and EdgeCache:Storage:Origin:PathPrefix.",
            405 or 501 => $"{target.Name} does not allow this method ({status}).",
            421 => $"{target.Name} is not known by the name that the cluster has for it (421): set the destination's Host, or the origin's AllowedHosts.",
            429 => $"{target.Name} asks to be called less often (429).",
            508 => Loop,
            >= 300 and < 400 => $"{target.Name} answered a redirect ({status}), which is not followed: give its final address.",
            _ => $"{target.Name} answered {status}.",
        });
    }

    public static OriginException Explain(OriginTarget target, Exception error)
    {
        if (error is OriginException known)
            return known;
        for (var cause = error; cause is not null; cause = cause.InnerException)
        {
            if (cause is AuthenticationException)
                return Fail($"The certificate of {Lower(target)} is not trusted, or is for another name.");
            if (cause is SocketException socket)
                return Fail($"{target.Name} can't be reached: {socket.SocketErrorCode}.");
            if (cause is OperationCanceledException or TimeoutException)
                return Fail($"{target.Name} did not answer in time.");
        }
        return Fail($"The connection to {Lower(target)} broke.");

        OriginException Fail(string sentence) => new(StoreStatus.Unavailable, sentence, error);
    }

    private static string Lower(OriginTarget target) => "t" + target.Name[1..];
}
