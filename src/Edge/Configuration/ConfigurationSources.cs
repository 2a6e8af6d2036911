namespace EdgeCache.Edge.Configuration;

/// <summary>Where a configuration is read from. A reload reads the same sources again.</summary>
internal sealed record ConfigurationSources
{
    /// <summary>The folder of the binary, with <c>appsettings.json</c>.</summary>
    public required string BaseDirectory { get; init; }

    /// <summary>What relative paths are relative to.</summary>
    public required string CurrentDirectory { get; init; }

    public required IReadOnlyDictionary<string, string> Environment { get; init; }

    /// <summary>The file of <c>--config</c>.</summary>
    public string? ConfigFile { get; init; }

    /// <summary>Presets in force, by flag. More than one is an error, which the loader reports with the others.</summary>
    public IReadOnlyList<string> Presets { get; init; } = [];

    /// <summary>The store folder of the test mode.</summary>
    public string? TemporaryFolder { get; init; }

    /// <summary>What the command line says, by configuration key.</summary>
    public IReadOnlyDictionary<string, ConfigurationValue> Flags { get; init; } = new Dictionary<string, ConfigurationValue>(StringComparer.OrdinalIgnoreCase);

    /// <summary>Tells whether a certificate is valid now.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    public string BaseFile => Path.Combine(BaseDirectory, "appsettings.json");

    public string Resolve(string path) => Path.GetFullPath(path, CurrentDirectory);
}
