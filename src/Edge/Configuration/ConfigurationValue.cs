namespace EdgeCache.Edge.Configuration;

/// <summary>One entry of the flattened configuration.</summary>
/// <param name="Value">The text; null where a file says <c>null</c> (back to the default) or has an empty object.</param>
/// <param name="Origin">Where it came from, in words for people: <c>flag --port</c>.</param>
/// <param name="Layer">Which layer it came from.</param>
internal sealed record ConfigurationValue(string? Value, string Origin, ConfigurationLayer Layer)
{
    /// <summary>Whether somebody wrote it, in contrast to a preset, which is only another set of defaults.</summary>
    public bool IsExplicit => Layer > ConfigurationLayer.Preset;
}

/// <summary>The layers, weakest first.</summary>
internal enum ConfigurationLayer
{
    Preset,
    BaseFile,
    File,
    EnvironmentAlias,
    Environment,
    Flag,
}
