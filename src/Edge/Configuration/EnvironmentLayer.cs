using System.Collections.Frozen;

namespace EdgeCache.Edge.Configuration;

/// <summary>Reads environment variables: <c>EdgeCache__Section__Key</c> and the short <c>BUILDER_CACHE_SERVER_…</c> names.</summary>
internal static class EnvironmentLayer
{
    public const string AliasPrefix = "BUILDER_CACHE_SERVER_";

    private static readonly string[] Roots = [OptionSchema.Section, FrameworkSections.ReverseProxy, FrameworkSections.Logging];

    private static readonly FrozenDictionary<string, string> Aliases = OptionSchema.KnownKeys().Where(k => k.Property.Setting.Alias is not null)
        .ToFrozenDictionary(k => AliasPrefix + k.Property.Setting.Alias, k => k.Key, StringComparer.Ordinal);

    /// <summary>Known names of features that this version does not have: they may be off, but never silently ignored.</summary>
    private static readonly FrozenDictionary<string, string> Missing = new Dictionary<string, string>(StringComparer.Ordinal)
    {
        [AliasPrefix + "ENABLE_RATE_LIMITING"] = "rate limiting",
    }.ToFrozenDictionary(StringComparer.Ordinal);

    public static void Read(
        IReadOnlyDictionary<string, string> environment,
        Dictionary<string, ConfigurationValue> aliases,
        Dictionary<string, ConfigurationValue> values,
        ConfigurationErrors errors)
    {
        foreach (var (name, value) in environment.OrderBy(e => e.Key, StringComparer.Ordinal))
        {
            if (name.StartsWith(AliasPrefix, StringComparison.Ordinal))
                ReadAlias(name, value, environment, aliases, errors);
            else if (KeyOf(name) is { } key && !values.TryAdd(key, new ConfigurationValue(value, $"environment {name}", ConfigurationLayer.Environment)))
                errors.Add($"environment {name}: sets {key}, which {values[key].Origin} sets too (names ignore case). Keep one of them.");
        }
    }

    private static string? KeyOf(string name)
    {
        var root = Roots.FirstOrDefault(r => name.StartsWith($"{r}__", StringComparison.OrdinalIgnoreCase));
        return root is null ? null : root + name[root.Length..].Replace("__", ":", StringComparison.Ordinal);
    }

    private static void ReadAlias(
        string name, string value, IReadOnlyDictionary<string, string> environment, Dictionary<string, ConfigurationValue> aliases, ConfigurationErrors errors)
    {
        if (Aliases.TryGetValue(name, out var key))
            aliases[key] = new ConfigurationValue(value, $"environment {name}", ConfigurationLayer.EnvironmentAlias);
        else if (Missing.TryGetValue(name, out var feature))
            CheckOff(name, value, feature, errors);
        else
            errors.Add($"environment {name}: is not a known variable.{Hint(name, environment)}");
    }

    private static void CheckOff(string name, string value, string feature, ConfigurationErrors errors)
    {
        if (!bool.TryParse(value, out var on))
            errors.Add($"environment {name} = \"{value}\": must be true or false.");
        else if (on)
            errors.Add($"environment {name} = \"{value}\": this version has no {feature}. Set it to false or remove it.");
    }

    private static string Hint(string name, IReadOnlyDictionary<string, string> environment)
    {
        // A Kubernetes service of this name makes such variables in every pod of its namespace.
        if (environment.ContainsKey($"{AliasPrefix}SERVICE_HOST"))
            return " Kubernetes made it for a service named builder-cache-server: set enableServiceLinks: false in the pod, or name the service differently.";
        return Suggestion.Sentence(Suggestion.Nearest(name[AliasPrefix.Length..], Aliases.Keys.Concat(Missing.Keys).Select(a => a[AliasPrefix.Length..])) is { } near ? AliasPrefix + near : null);
    }
}
