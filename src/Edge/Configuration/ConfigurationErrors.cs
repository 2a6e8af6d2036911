namespace EdgeCache.Edge.Configuration;

/// <summary>Everything that is wrong with a configuration, in the order in which it was found, so that one start shows all of it.</summary>
internal sealed class ConfigurationErrors(IReadOnlyDictionary<string, ConfigurationValue> values)
{
    private readonly List<string> _messages = [];

    public IReadOnlyList<string> Messages => _messages;

    /// <summary>An error that belongs to no key, such as a file that can't be read.</summary>
    public void Add(string message) => _messages.Add(message);

    /// <summary>An error in the value of a key: names the key, the value and where it was written.</summary>
    public void AddValue(string key, string message) => Add(key, message, showValue: true);

    /// <summary>An error about a key whose value may be a secret, or does not matter.</summary>
    public void AddKey(string key, string message) => Add(key, message, showValue: false);

    private void Add(string key, string message, bool showValue)
    {
        var entry = values.GetValueOrDefault(key);
        var value = showValue && entry?.Value is { } text ? $" = \"{text}\"" : "";
        _messages.Add($"{key}{value} ({entry?.Origin ?? OriginBelow(key)}): {message}");
    }

    /// <summary>A section or a list has no entry of its own; what is in it has.</summary>
    private string OriginBelow(string key) =>
        values.Where(v => v.Key.StartsWith($"{key}:", StringComparison.OrdinalIgnoreCase)).Select(v => v.Value.Origin).FirstOrDefault("default");
}
