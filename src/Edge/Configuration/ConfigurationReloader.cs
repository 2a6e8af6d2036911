namespace EdgeCache.Edge.Configuration;

/// <summary>Loads the configuration again when one of its files changed, and puts it in force as a whole, or not at all.</summary>
internal sealed partial class ConfigurationReloader(
    LoadedConfiguration initial, LiveSettings live, PublishedConfiguration published, ILogger<ConfigurationReloader> logger) : IDisposable
{
    private readonly SemaphoreSlim _one = new(1);
    private FileSnapshots _files = initial.Files;
    private IReadOnlyDictionary<string, ConfigurationValue> _values = initial.Values;

    /// <summary>Looks at the files and loads them again if one changed.</summary>
    /// <returns>Whether new settings are in force.</returns>
    public Task<bool> CheckAsync(CancellationToken cancellationToken = default) => RunAsync(force: false, cancellationToken);

    /// <summary>Loads again whether or not a file changed.</summary>
    /// <returns>Whether new settings are in force.</returns>
    public Task<bool> ReloadAsync(CancellationToken cancellationToken = default) => RunAsync(force: true, cancellationToken);

    public void Dispose() => _one.Dispose();

    private async Task<bool> RunAsync(bool force, CancellationToken cancellationToken)
    {
        await _one.WaitAsync(cancellationToken);
        try
        {
            if (!force && !_files.HaveChanged())
                return false;
            var result = await ConfigurationLoader.ReloadAsync(initial.Sources, cancellationToken);

            // Also after errors: they are reported once, and again only when a file changes again.
            _files = result.Files;
            return result.Configuration is { } loaded ? Apply(loaded) : Refuse(result.Errors);
        }
        finally
        {
            _one.Release();
        }
    }

    private bool Apply(LoadedConfiguration loaded)
    {
        var options = loaded.Settings.Options;
        if (RateLimitRules.CheckReload(live.Current.Options, options).ToArray() is { Length: > 0 } faults)
            return Refuse(faults);
        KeepWhatNeedsARestart(live.Current.Options, options);

        // The mix of new and kept values must be good as well: a token that went away together with a public address, which stays until the restart, must stay too.
        var errors = new ConfigurationErrors(loaded.Values);
        OptionRules.Check(options, loaded.Settings.Token, errors);
        if (errors.Messages.Count > 0)
            return Refuse([.. errors.Messages, "The configuration would be good after a restart; with what needs one kept as it is, it is not."]);

        var changed = _values.Keys.Union(loaded.Values.Keys, StringComparer.OrdinalIgnoreCase)
            .Where(k => _values.GetValueOrDefault(k)?.Value != loaded.Values.GetValueOrDefault(k)?.Value).Order(StringComparer.OrdinalIgnoreCase).ToArray();
        _values = loaded.Values;
        live.Publish(loaded.Settings);
        published.Publish(loaded.HostValues);
        LogReloaded(logger, changed.Length == 0 ? "no key changed" : $"changed: {string.Join(", ", changed)}");
        return true;
    }

    private void KeepWhatNeedsARestart(EdgeCacheOptions current, EdgeCacheOptions next)
    {
        var fresh = OptionSchema.Leaves(next).ToDictionary(l => l.Key, StringComparer.OrdinalIgnoreCase);
        foreach (var kept in OptionSchema.Leaves(current).Where(l => l.Property.Setting.NeedsRestart))
        {
            var leaf = fresh[kept.Key];
            if (Equals(leaf.Value, kept.Value))
                continue;
            LogNeedsRestart(logger, kept.Key, ValueText.Format(leaf.Value), ValueText.Format(kept.Value));
            leaf.Property.Set(leaf.Owner, kept.Value);
        }
    }

    private bool Refuse(IReadOnlyList<string> errors)
    {
        foreach (var error in errors)
            LogError(logger, error);
        LogRefused(logger);
        return false;
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Configuration reloaded; {Changes}")]
    private static partial void LogReloaded(ILogger logger, string changes);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Key} is now {New}, which needs a restart; {Current} stays in force until then")]
    private static partial void LogNeedsRestart(ILogger logger, string key, string @new, string current);

    [LoggerMessage(Level = LogLevel.Error, Message = "Configuration error: {Error}")]
    private static partial void LogError(ILogger logger, string error);

    [LoggerMessage(Level = LogLevel.Error, Message = "The changed configuration is not used; the last good one stays in force")]
    private static partial void LogRefused(ILogger logger);
}
