using System.Text;

namespace EdgeCache.Edge.Configuration;

/// <summary>Reads all layers into one set of values, checks everything, and reports all that is wrong at once.</summary>
internal static class ConfigurationLoader
{
    /// <summary>Loads for a start.</summary>
    public static Task<LoadResult> LoadAsync(ConfigurationSources sources, CancellationToken cancellationToken) => LoadAsync(sources, start: true, cancellationToken);

    /// <summary>Loads for a node that runs.</summary>
    public static Task<LoadResult> ReloadAsync(ConfigurationSources sources, CancellationToken cancellationToken) => LoadAsync(sources, start: false, cancellationToken);

    private static async Task<LoadResult> LoadAsync(ConfigurationSources sources, bool start, CancellationToken cancellationToken)
    {
        var values = new Dictionary<string, ConfigurationValue>(StringComparer.OrdinalIgnoreCase);
        var errors = new ConfigurationErrors(values);
        var files = new FileSnapshots();
        ReadLayers(sources, files, values, errors);

        var tree = KeyTree.Build(values);
        FrameworkSections.CheckNames(tree, errors);
        var options = new OptionBinder(errors).Bind(tree);
        CompletePaths(options, sources);
        var token = ReadToken(options.Access, values, files, errors);
        OptionRules.Check(options, token, errors);
        var signedUrls = SignedUrlSettings.Build(options.SignedUrls, files, errors);
        var providers = PurgeSettings.Build(options, files, errors);
        if (start)
            StartRules.Check(options, sources, errors);

        // Its own root, so that nothing of a bad candidate ever reaches the configuration in force.
        var candidate = new ConfigurationBuilder().AddInMemoryCollection(FrameworkSections.Select(values)).Build();
        FrameworkSections.CheckLogging(values, candidate, errors);
        await ReverseProxyCheck.CheckAsync(candidate, options.RateLimits, new PolicyNames(() => options), errors, cancellationToken);
        OriginSettings.CheckCluster(options.Storage.Origin, candidate, errors);

        if (errors.Messages.Count > 0)
            return new LoadResult(null, errors.Messages, files);
        var configuration = new LoadedConfiguration { Sources = sources, Settings = new EdgeSettings(options, token) { SignedUrls = signedUrls, Providers = providers }, Values = values, Files = files };
        return new LoadResult(configuration, [], files);
    }

    private static void ReadLayers(ConfigurationSources sources, FileSnapshots files, Dictionary<string, ConfigurationValue> values, ConfigurationErrors errors)
    {
        if (sources.Presets.Count > 1)
            errors.Add($"{string.Join(" and ", sources.Presets)} exclude each other. Use one of them.");
        Merge(values, Presets.Read(sources));
        ReadFile(sources.BaseFile, ConfigurationLayer.BaseFile, required: false);
        if (sources.ConfigFile is { } file)
            ReadFile(sources.Resolve(file), ConfigurationLayer.File, required: true);
        var aliases = new Dictionary<string, ConfigurationValue>(StringComparer.OrdinalIgnoreCase);
        var environment = new Dictionary<string, ConfigurationValue>(StringComparer.OrdinalIgnoreCase);
        EnvironmentLayer.Read(sources.Environment, aliases, environment, errors);
        Merge(values, aliases);
        Merge(values, environment);
        Merge(values, sources.Flags);

        // A preset is only another default: who names a token file does not mean the preset's token as well.
        if (values.TryGetValue("EdgeCache:Access:Token", out var token) && !token.IsExplicit && values.GetValueOrDefault("EdgeCache:Access:TokenFile")?.Value is not null)
            values.Remove("EdgeCache:Access:Token");

        void ReadFile(string path, ConfigurationLayer layer, bool required)
        {
            var (content, fault) = files.Read(path);
            var entries = new Dictionary<string, ConfigurationValue>(StringComparer.OrdinalIgnoreCase);
            if (content is not null)
                fault = JsonLayer.TryRead(path, content, layer, entries);
            else if (!required && !File.Exists(path))
                fault = null;
            else
                fault = $"{(required ? "--config" : "appsettings.json")}: {fault}";
            if (fault is not null)
                errors.Add(fault);
            Merge(values, entries);
        }
    }

    private static void Merge(Dictionary<string, ConfigurationValue> values, IEnumerable<KeyValuePair<string, ConfigurationValue>> layer)
    {
        foreach (var (key, value) in layer)
            values[key] = value;
    }

    private static void CompletePaths(EdgeCacheOptions options, ConfigurationSources sources)
    {
        options.Storage.Path ??= UserDataFolder(sources.Environment) is { } folder ? Path.Combine(folder, "edgecache") : null;
        foreach (var leaf in OptionSchema.Leaves(options))
        {
            if (leaf is { Property.Setting.IsPath: true, Value: string path })
                leaf.Property.Set(leaf.Owner, sources.Resolve(path));
        }
    }

    private static string? UserDataFolder(IReadOnlyDictionary<string, string> environment)
    {
        if (OperatingSystem.IsWindows())
            return Rooted("LOCALAPPDATA");
        return Rooted("XDG_DATA_HOME") ?? (Rooted("HOME") is { } home ? Path.Combine(home, ".local", "share") : null);

        string? Rooted(string name) => environment.TryGetValue(name, out var value) && Path.IsPathFullyQualified(value) ? value : null;
    }

    private static string? ReadToken(AccessOptions access, Dictionary<string, ConfigurationValue> values, FileSnapshots files, ConfigurationErrors errors)
    {
        const string TokenKey = "EdgeCache:Access:Token";
        const string FileKey = "EdgeCache:Access:TokenFile";
        if (access is { Token: not null, TokenFile: not null })
            errors.AddKey(TokenKey, $"{FileKey} is set too ({values.GetValueOrDefault(FileKey)?.Origin}). Set one of the two.");
        if (access.Token is { } token && OptionRules.CheckToken(token) is { } fault)
            errors.AddKey(TokenKey, fault);
        if (access.TokenFile is null)
            return access.Token;

        var (content, unreadable) = files.Read(access.TokenFile);
        var text = content is null ? "" : Encoding.UTF8.GetString(content).Trim();
        if (content is null)
            errors.AddValue(FileKey, unreadable!);
        else if (text.Length == 0)
            errors.AddValue(FileKey, "the file is empty; it must have the token in it.");
        else if (OptionRules.CheckToken(text) is { } badText)
            errors.AddValue(FileKey, $"the content of the file {badText}");
        return text;
    }
}
