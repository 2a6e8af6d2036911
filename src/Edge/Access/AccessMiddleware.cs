using EdgeCache.Edge.Delivery;
using EdgeCache.Edge.Protocols;

namespace EdgeCache.Edge.Access;

/// <summary>
/// Lets a request to a built-in route pass when its credentials are good, before any of its body is read. An OPTIONS request needs none: browsers send
/// preflights without credentials, and it tells nothing about any blob.
/// </summary>
internal sealed class AccessMiddleware(RequestDelegate next, TokenAuthenticator authenticator)
{
    public Task InvokeAsync(HttpContext context)
    {
        if (context.Features.Get<BlobRequest>() is not { } blob || HttpMethods.IsOptions(context.Request.Method))
            return next(context);
        if (blob.Signature is { } signature)
        {
            blob.Principal = new Principal($"signed:{signature.Policy}/{signature.Key}");
            return next(context);
        }
        if (authenticator.Authenticate(context.Request.Headers.Authorization) is not { } principal || (blob.NeedsCredentials && ReferenceEquals(principal, Principal.Anonymous)))
        {
            context.Response.Headers.WWWAuthenticate = new(["Bearer realm=\"EdgeCache\"", "Basic realm=\"EdgeCache\", charset=\"UTF-8\""]);
            return Problem.WriteAsync(context, StatusCodes.Status401Unauthorized, "A valid access token is needed, as a bearer token or as the password of basic authentication.");
        }
        blob.Principal = principal;
        return next(context);
    }
}
