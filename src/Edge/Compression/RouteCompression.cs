using Yarp.ReverseProxy.Transforms.Builder;

namespace EdgeCache.Edge.Compression;

/// <summary>
/// The transform <c>{ "EdgeCache.Compression": "auto" }</c> of a user's own route: its responses are compressed by ASP.NET Core's middleware, in a coding that the client asks for and that
/// this node has. The middleware has to stand around the forwarder, so the pipeline reads what the route says, and here it is checked.
/// </summary>
internal sealed class RouteCompression : ITransformFactory
{
    public const string Name = "EdgeCache.Compression";

    private const string Auto = "auto";

    public bool Validate(TransformRouteValidationContext context, IReadOnlyDictionary<string, string> transformValues)
    {
        if (!transformValues.TryGetValue(Name, out var value))
            return false;
        if (value != Auto)
            context.Errors.Add(new FormatException($"The transform {Name} = \"{value}\" must be {Auto}."));
        if (transformValues.Count > 1)
            context.Errors.Add(new FormatException($"The transform {Name} takes nothing else beside it."));
        return true;
    }

    public bool Build(TransformBuilderContext context, IReadOnlyDictionary<string, string> transformValues) => transformValues.ContainsKey(Name);

    /// <summary>Whether the route of a request asks for it.</summary>
    public static bool IsAsked(HttpContext context)
    {
        if (context.GetReverseProxyFeature().Route.Config.Transforms is not { } transforms)
            return false;
        foreach (var transform in transforms)
        {
            if (transform.ContainsKey(Name))
                return true;
        }
        return false;
    }
}
