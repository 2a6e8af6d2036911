using System.Net;
using System.Net.Sockets;
using System.Security.Authentication;
using Amazon.Runtime;
using EdgeCache.Storage.S3.Coding;

namespace EdgeCache.Storage.S3;

/// <summary>Makes one sentence for the operator of what went wrong, and the outcome that it means. Never has a key, a signature or an answer's body in it.</summary>
internal static class S3Faults
{
    /// <summary>Whether this is something that can happen to a call, rather than a fault of the program.</summary>
    public static bool IsExpected(Exception error) => error is AmazonServiceException or AmazonClientException or HttpRequestException or IOException or SocketException or TimeoutException or OperationCanceledException;

    public static bool IsMissing(Exception error) =>
        error is AmazonServiceException { StatusCode: HttpStatusCode.NotFound, ErrorCode: not ("NoSuchBucket" or "NoSuchUpload") };

    /// <summary>The server refused because a condition does not hold, or because another change of the key is under way.</summary>
    public static bool IsConflict(Exception error) =>
        error is AmazonServiceException { StatusCode: HttpStatusCode.PreconditionFailed or HttpStatusCode.NotModified } or AmazonServiceException { StatusCode: HttpStatusCode.Conflict, ErrorCode: "ConditionalRequestConflict" or "OperationAborted" };

    public static bool IsOutOfRange(Exception error) => error is AmazonServiceException { StatusCode: HttpStatusCode.RequestedRangeNotSatisfiable };

    public static StoreStatus StatusOf(Exception error) => error switch
    {
        AmazonServiceException { ErrorCode: "EntityTooLarge" or "MaxMessageLengthExceeded" } => StoreStatus.TooLarge,
        AmazonServiceException { ErrorCode: "QuotaExceeded" or "XMinioStorageFull" or "XMinioAdminBucketQuotaExceeded" or "InsufficientStorage" } => StoreStatus.NoSpace,
        AmazonServiceException { StatusCode: HttpStatusCode.InsufficientStorage } => StoreStatus.NoSpace,
        _ => StoreStatus.Unavailable,
    };

    public static string Explain(Exception error, S3StoreOptions options) => error switch
    {
        AmazonServiceException { StatusCode: not default(HttpStatusCode) } answer => Explain(answer, options),
        CodingException => error.Message,
        OperationCanceledException or TimeoutException => $"{options.ServerName} did not answer in time.",
        _ => ExplainConnection(error, options),
    };

    private static string Explain(AmazonServiceException answer, S3StoreOptions options) => answer.ErrorCode switch
    {
        "NoSuchBucket" => $"The bucket '{options.Bucket}' does not exist at {options.ServerName}: create it, or check its name, the region and whether this server wants path-style addresses.",
        "InvalidAccessKeyId" => $"{options.ServerName} does not know the access key.",
        "SignatureDoesNotMatch" => "The secret key does not belong to the access key (or a proxy on the way changes requests, or the region is not the server's).",
        "RequestTimeTooSkewed" => "This machine's clock and the server's are more than 15 minutes apart: set the clock (NTP).",
        "ExpiredToken" or "TokenRefreshRequired" => "The temporary keys have expired.",
        "InvalidToken" or "InvalidClientTokenId" => "The session token is not valid.",
        "AuthorizationHeaderMalformed" or "PermanentRedirect" or "IllegalLocationConstraintException" or "InvalidRegionName" => $"The bucket '{options.Bucket}' is not in the region '{options.Region}': set its own.",
        "InvalidBucketName" => $"'{options.Bucket}' is not a name that a bucket can have.",
        "QuotaExceeded" or "XMinioStorageFull" or "XMinioAdminBucketQuotaExceeded" or "InsufficientStorage" => "The far storage is full, or its quota is used up.",
        "SlowDown" or "ServiceUnavailable" or "Throttling" or "RequestLimitExceeded" => $"{options.ServerName} asks to be called less often.",
        _ => ExplainStatus(answer, options),
    };

    private static string ExplainStatus(AmazonServiceException answer, S3StoreOptions options) => answer.StatusCode switch
    {
        HttpStatusCode.Forbidden => $"The key may not do this in the bucket '{options.Bucket}' (or the bucket has another owner than expected): it needs s3:GetObject, s3:PutObject, s3:DeleteObject, s3:AbortMultipartUpload and, without which a missing object looks forbidden, s3:ListBucket.",
        HttpStatusCode.NotFound => $"{options.ServerName} has no such bucket or upload.",
        HttpStatusCode.MovedPermanently or HttpStatusCode.TemporaryRedirect => $"The bucket '{options.Bucket}' is at another address or region than {options.ServerName}.",
        HttpStatusCode.NotImplemented => $"{options.ServerName} does not implement this ({answer.ErrorCode}).",
        _ => $"{options.ServerName} answered {(int)answer.StatusCode} {answer.ErrorCode}.",
    };

    private static string ExplainConnection(Exception error, S3StoreOptions options)
    {
        for (var cause = error; cause is not null; cause = cause.InnerException)
        {
            if (cause is AuthenticationException)
                return $"The certificate of {options.ServerName} is not trusted, or is for another name: give the file of its issuer (CaFile).";
            if (cause is SocketException socket)
                return $"{options.ServerName} can't be reached: {socket.SocketErrorCode}.";
            if (cause is OperationCanceledException)
                return $"{options.ServerName} did not answer in time.";
            if (cause is HttpRequestException or IOException && cause.InnerException is null)
                return $"The connection to {options.ServerName} broke.";
        }
        return error is AmazonClientException && error.InnerException is null
            ? "There are no credentials: set keys, a profile, or the role of this machine."
            : $"A call to {options.ServerName} failed ({error.GetType().Name}).";
    }
}
