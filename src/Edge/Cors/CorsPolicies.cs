using EdgeCache.Edge.Configuration;
using EdgeCache.Edge.Protocols;
using Microsoft.AspNetCore.Cors.Infrastructure;

namespace EdgeCache.Edge.Cors;

/// <summary>
/// The CORS policies of the configuration, for the framework's own implementation. A built-in route has the policy of its namespace; a route of the user's names one in its
/// <c>CorsPolicy</c>, as YARP has it.
/// </summary>
internal sealed class CorsPolicies(PolicyNames names) : ICorsPolicyProvider
{
    /// <summary>The policy of the built-in routes: that of the namespace in the address.</summary>
    public const string OfNamespace = "edgecache-namespace";

    private static readonly CorsPolicy Nobody = new();

    // Made of the options; replaced as a whole when those are.
    private volatile Made? _made;

    public Task<CorsPolicy?> GetPolicyAsync(HttpContext context, string? policyName) => Task.FromResult(Find(context, policyName));

    /// <summary>The policy by its name; null where there is none. While a configuration is checked there is no namespace to ask.</summary>
    public CorsPolicy? Find(HttpContext context, string? name)
    {
        var options = names.Options;
        if (name == OfNamespace)
        {
            if (NamespaceOf(context) is not { } space)
                return Nobody;
            name = options.Namespaces.GetValueOrDefault(space)?.Cors;
        }
        if (name is null)
            return null;
        var made = _made;
        if (made is null || !ReferenceEquals(made.Options, options))
            _made = made = new Made(options, options.Cors.ToDictionary(p => p.Key, p => Make(p.Value), StringComparer.Ordinal));
        return made.Policies.GetValueOrDefault(name);
    }

    private static string? NamespaceOf(HttpContext context)
    {
        var values = context.Request.RouteValues;
        if (values.TryGetValue(BuiltinRoutes.NamespaceValue, out var name))
            return name as string;
        return values.ContainsKey(BuiltinRoutes.KeyValue) ? "artifacts" : null;
    }

    private static CorsPolicy Make(CorsPolicyOptions options)
    {
        var builder = new CorsPolicyBuilder([.. options.Origins]).WithMethods([.. options.Methods]).WithExposedHeaders([.. options.ExposedHeaders]).SetPreflightMaxAge(options.MaxAge);
        if (options.Origins.Any(o => o.Contains("://*.", StringComparison.Ordinal)))
            builder.SetIsOriginAllowedToAllowWildcardSubdomains();
        if (options.Headers.Contains("*", StringComparer.Ordinal))
            builder.AllowAnyHeader();
        else
            builder.WithHeaders([.. options.Headers]);
        if (options.Credentials)
            builder.AllowCredentials();
        return builder.Build();
    }

    private sealed record Made(EdgeCacheOptions Options, Dictionary<string, CorsPolicy> Policies);
}
