namespace EdgeCache.Edge.Configuration;

/// <summary>A configuration that passed every check.</summary>
internal sealed class LoadedConfiguration
{
    public required ConfigurationSources Sources { get; init; }

    public required EdgeSettings Settings { get; init; }

    /// <summary>Every entry of every section, after layering. Has secrets in it.</summary>
    public required IReadOnlyDictionary<string, ConfigurationValue> Values { get; init; }

    /// <summary>The files that it was read from, to notice a change.</summary>
    public required FileSnapshots Files { get; init; }

    /// <summary>What the host, YARP and logging get to see.</summary>
    public IReadOnlyDictionary<string, string?> HostValues => FrameworkSections.Select(Values);

    /// <summary>Where the value of one of our keys came from.</summary>
    public string OriginOf(string key) => Values.TryGetValue(key, out var value) ? value.Origin : "default";
}

/// <summary>What came of loading: a configuration, or everything that is wrong with it.</summary>
/// <param name="Configuration">The configuration; null when there are errors.</param>
/// <param name="Errors">The errors; empty when there is a configuration.</param>
/// <param name="Files">The files that were read, also when there are errors.</param>
internal sealed record LoadResult(LoadedConfiguration? Configuration, IReadOnlyList<string> Errors, FileSnapshots Files);
