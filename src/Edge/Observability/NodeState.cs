using System.Reflection;
using EdgeCache.Storage;

namespace EdgeCache.Edge.Observability;

/// <summary>How this node is doing, as health answers and gauges tell it.</summary>
internal sealed class NodeState(TimeProvider time, IBlobStore store, IHostApplicationLifetime lifetime)
{
    private readonly long _started = time.GetTimestamp();

    /// <summary>The product's version, without the commit that a build may add after a plus sign.</summary>
    public static string Version { get; } = ReadVersion();

    public TimeSpan Uptime => time.GetElapsedTime(_started);

    public StoreState Store => store.State;

    public bool Stopping => lifetime.ApplicationStopping.IsCancellationRequested;

    private static string ReadVersion()
    {
        var version = typeof(NodeState).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "unknown";
        var plus = version.IndexOf('+');
        return plus < 0 ? version : version[..plus];
    }
}
