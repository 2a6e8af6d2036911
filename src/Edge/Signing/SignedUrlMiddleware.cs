using EdgeCache.Client.Signing;
using EdgeCache.Edge.Access;
using EdgeCache.Edge.Configuration;
using EdgeCache.Edge.Delivery;
using EdgeCache.Edge.Protocols;
using Microsoft.AspNetCore.Http.Features;

namespace EdgeCache.Edge.Signing;

/// <summary>
/// Holds signed requests against the policy of their route (by a transform) or namespace. A good signature is a credential for this one request; it is taken out of the
/// request, so that neither a cache key nor an origin ever sees it. Every refusal looks the same; the log says which it was.
/// </summary>
internal sealed class SignedUrlMiddleware(RequestDelegate next, LiveSettings settings, ClientAddresses addresses, TimeProvider time, AuditLog audit, AccessMetrics metrics)
{
    public Task InvokeAsync(HttpContext context)
    {
        var blob = context.Features.Get<BlobRequest>();
        var current = settings.Current;
        if (blob is null && current.SignedUrls.Count > 0)
            SignatureTraces.RemoveFromReferer(context.Request, current.SignedUrls.Values);
        var ofRoute = SignedUrlTransformFactory.PolicyOf(context.GetReverseProxyFeature().Route.Config);
        var name = ofRoute ?? (blob is null ? null : current.Options.Namespaces.GetValueOrDefault(blob.Policy.Name)?.SignedUrl);
        if (name is null || HttpMethods.IsOptions(context.Request.Method))
            return next(context);

        // Between the two steps of a reload a route may still name a policy that is gone already.
        if (!current.SignedUrls.TryGetValue(name, out var policy))
            return RefuseAsync(context, name, SignatureFault.UnknownPolicy);
        var request = RequestOf(context);
        var verdict = HasOtherCredentials(context, blob, policy, request) ? SignatureFault.Missing : policy.Verify(request, time.GetUtcNow());
        if (verdict.Fault == SignatureFault.Missing && blob is not null && ofRoute is null)
        {
            // A blob may also be asked for with a token: access decides. Of a forwarded route, the signature is all that there is.
            blob.NeedsCredentials = true;
            return next(context);
        }
        if (verdict.Grant is not { } grant)
            return RefuseAsync(context, name, verdict.Fault);
        if (blob is not null)
        {
            // A blob is known by its key alone from here on: nothing reads the query any more.
            blob.Signature = grant;
            return next(context);
        }
        SignatureTraces.Remove(context.Request, policy);
        context.Features.Set(grant);
        return next(context);
    }

    /// <summary>Cookies are sent whether or not they are meant: a token in the header wins over them, a signature in the address does not.</summary>
    private static bool HasOtherCredentials(HttpContext context, BlobRequest? blob, SignedUrlPolicy policy, in SignedRequest request) =>
        blob is not null && context.Request.Headers.Authorization.Count > 0 && !QueryText.HasAny(request.RawQuery, policy.Parameters);

    private SignedRequest RequestOf(HttpContext context)
    {
        var request = context.Request;
        var target = context.Features.Get<IHttpRequestFeature>()!.RawTarget;
        return new SignedRequest(request.Method, target, request.Path.Value ?? "", addresses.Find(context), request.Headers.Cookie.Count == 0 ? null : CookiesOf(request));
    }

    private static Func<string, string?> CookiesOf(HttpRequest request) => name => request.Cookies[name];

    private Task RefuseAsync(HttpContext context, string policy, SignatureFault fault)
    {
        metrics.RecordDenied(Denial.Signature);
        audit.Denied(context, null, StatusCodes.Status403Forbidden, $"signed URL policy {policy}: {fault}");
        return Problem.WriteAsync(context, StatusCodes.Status403Forbidden, "The address is not signed for this request, or its time is over.");
    }
}
