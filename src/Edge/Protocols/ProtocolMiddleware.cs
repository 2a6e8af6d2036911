using EdgeCache.Edge.Configuration;
using EdgeCache.Edge.Delivery;
using EdgeCache.Edge.Limits;
using EdgeCache.Storage;
using Yarp.ReverseProxy.Model;

namespace EdgeCache.Edge.Protocols;

/// <summary>Turns the URL of a built-in route into a blob's key, or answers why it is none. A request to a route of the user's goes on untouched.</summary>
internal sealed class ProtocolMiddleware(RequestDelegate next, LiveSettings settings, Reputation reputation)
{
    private const string ArtifactsNamespace = "artifacts";

    public Task InvokeAsync(HttpContext context)
    {
        if (ProtocolOf(context) is not { } protocol)
            return next(context);

        var name = NamespaceOf(context, protocol);
        if (protocol == BuiltinRoutes.Cache && name == ArtifactsNamespace)
            return Problem.WriteAsync(context, StatusCodes.Status404NotFound, "The namespace 'artifacts' is served under /artifacts/{key}.");
        if (!settings.Current.Namespaces.TryGetValue(name, out var policy))
            return Problem.WriteAsync(context, StatusCodes.Status404NotFound, "No such namespace is configured (EdgeCache:Namespaces).");
        if (ParseKey(policy, Value(context, BuiltinRoutes.KeyValue), out var key) is { } fault)
        {
            reputation.Report(context, Offence.MalformedKey);
            return Problem.WriteAsync(context, StatusCodes.Status400BadRequest, fault);
        }

        context.Features.Set(new BlobRequest(key, policy));
        return next(context);
    }

    /// <summary>The namespace that a request names, whether or not there is such a one; null when it is about no blob. Known as soon as the route is.</summary>
    internal static string? NamespaceOf(HttpContext context) => ProtocolOf(context) is { } protocol ? NamespaceOf(context, protocol) : null;

    /// <summary>Null when the text is a key of the namespace; otherwise why not.</summary>
    internal static string? ParseKey(NamespacePolicy policy, string text, out BlobKey key)
    {
        if (BlobKey.TryCreate(policy.Name, "", text, policy.SlashInKeys, out key) is { } fault)
            return fault;
        return policy.Verified && !Sha256Digest.TryParseHex(text, out _)
            ? "A key of this namespace is the SHA-256 of its content: 64 lower-case hexadecimal digits."
            : null;
    }

    private static string? ProtocolOf(HttpContext context) =>
        context.GetEndpoint()?.Metadata.GetMetadata<RouteModel>()?.Config.Metadata is { } metadata && metadata.TryGetValue(BuiltinRoutes.ProtocolMetadata, out var protocol) ? protocol : null;

    private static string NamespaceOf(HttpContext context, string protocol) => protocol == BuiltinRoutes.Artifacts ? ArtifactsNamespace : Value(context, BuiltinRoutes.NamespaceValue);

    private static string Value(HttpContext context, string name) => context.Request.RouteValues[name] as string ?? "";
}
