using EdgeCache.Edge.Configuration;
using Yarp.ReverseProxy.Transforms;
using Yarp.ReverseProxy.Transforms.Builder;

namespace EdgeCache.Edge.Signing;

/// <summary>
/// The transform <c>{ "EdgeCache.SignedUrl": "policy" }</c> of a route. <see cref="SignedUrlMiddleware"/> decides whether a request passes, before a destination is chosen,
/// and takes the signature out of it; as a transform it only makes sure that what was not decided about goes nowhere.
/// </summary>
internal sealed class SignedUrlTransformFactory(PolicyNames names) : ITransformFactory
{
    /// <summary>The transform's name.</summary>
    public const string Name = "EdgeCache.SignedUrl";

    /// <summary>The policy that a route's transforms name; null for none.</summary>
    public static string? PolicyOf(Yarp.ReverseProxy.Configuration.RouteConfig route)
    {
        if (route.Transforms is not { } transforms)
            return null;
        for (var i = 0; i < transforms.Count; i++)
        {
            foreach (var (key, value) in transforms[i])
            {
                if (key.Equals(Name, StringComparison.OrdinalIgnoreCase))
                    return value;
            }
        }
        return null;
    }

    public bool Validate(TransformRouteValidationContext context, IReadOnlyDictionary<string, string> transformValues)
    {
        if (!TryGet(transformValues, out var policy))
            return false;
        if (transformValues.Count > 1)
            context.Errors.Add(new InvalidDataException($"The transform {Name} has nothing but the name of a policy."));
        if (context.Route.Transforms!.Count(t => TryGet(t, out _)) > 1)
            context.Errors.Add(new InvalidDataException($"The transform {Name} is there more than once."));
        if (!names.SignedUrls.Contains(policy, StringComparer.Ordinal))
            context.Errors.Add(new InvalidDataException($"The transform {Name} names the policy \"{policy}\", which is not in {SignedUrlSettings.Section}.{Suggestion.Sentence(Suggestion.Nearest(policy, names.SignedUrls))}"));
        return true;
    }

    public bool Build(TransformBuilderContext context, IReadOnlyDictionary<string, string> transformValues)
    {
        if (!TryGet(transformValues, out _))
            return false;
        context.RequestTransforms.Add(new Guard());
        return true;
    }

    private static bool TryGet(IReadOnlyDictionary<string, string> values, out string policy)
    {
        policy = "";
        foreach (var (key, value) in values)
        {
            if (key.Equals(Name, StringComparison.OrdinalIgnoreCase))
            {
                policy = value;
                return true;
            }
        }
        return false;
    }

    private sealed class Guard : RequestTransform
    {
        public override ValueTask ApplyAsync(RequestTransformContext context)
        {
            // YARP sends nothing where a transform has set a status.
            if (context.HttpContext.Features.Get<SignatureGrant>() is null)
                context.HttpContext.Response.StatusCode = StatusCodes.Status403Forbidden;
            return ValueTask.CompletedTask;
        }
    }
}
