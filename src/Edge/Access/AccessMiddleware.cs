using EdgeCache.Edge.Protocols;
using EdgeCache.Edge.Purging;

namespace EdgeCache.Edge.Access;

/// <summary>
/// Lets a request to a built-in route pass when whoever makes it may do so, before any of its body is read. An OPTIONS request needs nothing: browsers send
/// preflights without credentials, and it tells nothing about any blob.
/// </summary>
internal sealed class AccessMiddleware(RequestDelegate next, Authenticator authenticator, Gatekeeper gatekeeper)
{
    public Task InvokeAsync(HttpContext context)
    {
        if (context.Features.Get<BlobRequest>() is not { } blob || HttpMethods.IsOptions(context.Request.Method))
            return next(context);
        var answer = blob.Signature is { } signature ? CredentialAnswer.Of(signature.ToPrincipal(blob.Key)) : authenticator.Identify(context);
        if (answer.Principal is not { } principal)
            return gatekeeper.RefuseUnknownAsync(context, answer);
        Gatekeeper.Accept(context, answer);
        var scope = ScopeOf(context.Request.Method);
        if (!principal.Permits(scope, blob.Key))
            return gatekeeper.RefuseAsync(context, principal, scope);
        if (blob.NeedsCredentials && principal.IsAnonymous)
            return gatekeeper.RefuseUnknownAsync(context, CredentialAnswer.None);
        blob.Principal = principal;
        blob.IsPublic = blob.Signature?.IsForAnybody ?? (!blob.NeedsCredentials && authenticator.Anonymous?.Permits(Scopes.Read, blob.Key) == true);
        return next(context);
    }

    /// <summary>What a method needs. One that no blob has is answered by delivery, to whoever may do anything here at all.</summary>
    private static Scopes ScopeOf(string method)
    {
        if (HttpMethods.IsGet(method) || HttpMethods.IsHead(method))
            return Scopes.Read;
        if (HttpMethods.IsPut(method))
            return Scopes.Write;
        if (HttpMethods.IsDelete(method))
            return Scopes.Delete;
        return method == PurgeHandler.Method ? Scopes.Purge : Scopes.None;
    }
}
