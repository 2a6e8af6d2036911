using EdgeCache.Edge.Configuration;
using EdgeCache.Edge.Signing;
using Microsoft.Extensions.DependencyInjection;

namespace EdgeCache.Edge.Tests.Signing;

/// <summary>What tests of signed addresses ask a node's services for.</summary>
internal static class NodeSigning
{
    public static TimeProvider Time(this IServiceProvider services) => services.GetRequiredService<TimeProvider>();

    /// <summary>A policy that is in force.</summary>
    public static SignedUrlPolicy Policy(this IServiceProvider services, string name) => services.GetRequiredService<LiveSettings>().Current.SignedUrls[name];
}
