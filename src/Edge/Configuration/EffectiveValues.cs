namespace EdgeCache.Edge.Configuration;

/// <summary>One line of what is in force.</summary>
/// <param name="Key">The key.</param>
/// <param name="Value">The value as text, masked where it is a secret.</param>
/// <param name="Origin">Where it came from.</param>
internal sealed record EffectiveValue(string Key, string Value, string Origin);

/// <summary>Lists a configuration for people. Secrets are masked here, so no caller has to think of it.</summary>
internal static class EffectiveValues
{
    private const string Mask = "***";

    private static readonly string[] SecretWords = ["token", "password", "secret", "authorization", "apikey", "credential"];

    public static IEnumerable<EffectiveValue> List(LoadedConfiguration configuration)
    {
        foreach (var leaf in OptionSchema.Leaves(configuration.Settings.Options))
        {
            var hidden = leaf.Property.Setting.Secret && leaf.Value is not null;
            yield return new EffectiveValue(leaf.Key, hidden ? Mask : ValueText.Format(leaf.Value), Origin(leaf, configuration));
        }
        foreach (var (key, entry) in configuration.Values.Where(v => FrameworkSections.Owns(v.Key) && !string.IsNullOrEmpty(v.Value.Value)).OrderBy(v => v.Key, StringComparer.OrdinalIgnoreCase))
            yield return new EffectiveValue(key, MaybeSecret(key, entry.Value!) ? Mask : entry.Value!, entry.Origin);
    }

    private static string Origin(OptionLeaf leaf, LoadedConfiguration configuration)
    {
        // The entries of a list have keys of their own; the strongest layer among them is the one in force.
        if (leaf.Property.Kind != OptionKind.List)
            return configuration.Values.TryGetValue(leaf.Key, out var value) && value.Value is null ? $"default ({value.Origin})" : configuration.OriginOf(leaf.Key);
        return configuration.Values.Where(v => v.Key.Equals(leaf.Key, StringComparison.OrdinalIgnoreCase) || v.Key.StartsWith($"{leaf.Key}:", StringComparison.OrdinalIgnoreCase))
            .OrderByDescending(v => v.Value.Layer).Select(v => v.Value.Origin).FirstOrDefault("default");
    }

    /// <summary>Routes may carry secrets of their users: headers that a transform sets, names that say so, and passwords in addresses.</summary>
    private static bool MaybeSecret(string key, string value)
    {
        var name = key[(key.LastIndexOf(':') + 1)..];
        if (key.Contains(":Transforms:", StringComparison.OrdinalIgnoreCase) && (name.Equals("Set", StringComparison.OrdinalIgnoreCase) || name.Equals("Append", StringComparison.OrdinalIgnoreCase)))
            return true;
        return SecretWords.Any(w => name.Contains(w, StringComparison.OrdinalIgnoreCase)) || (Uri.TryCreate(value, UriKind.Absolute, out var uri) && uri.UserInfo.Length > 0);
    }
}
