namespace EdgeCache.Edge.Configuration;

/// <summary>Flattened keys as the tree they stand for. Names ignore case, as everywhere in .NET configuration.</summary>
internal sealed class KeyTree(string key, string name)
{
    private readonly SortedDictionary<string, KeyTree> _children = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>The full key.</summary>
    public string Key { get; } = key;

    /// <summary>The last part of the key.</summary>
    public string Name { get; } = name;

    /// <summary>The entry with exactly this key.</summary>
    public ConfigurationValue? Entry { get; private set; }

    public IEnumerable<KeyTree> Children => _children.Values;

    public bool HasChildren => _children.Count > 0;

    /// <summary>Where this key, or the first below it, was written.</summary>
    public string Origin => Entry?.Origin ?? _children.Values.First().Origin;

    /// <summary>The strongest layer that says anything at or below this key.</summary>
    public ConfigurationLayer Layer => _children.Values.Select(c => c.Layer).Append(Entry?.Layer ?? ConfigurationLayer.Preset).Max();

    public static KeyTree Build(IEnumerable<KeyValuePair<string, ConfigurationValue>> values)
    {
        var root = new KeyTree("", "");
        foreach (var (key, value) in values)
        {
            var node = root;
            foreach (var part in key.Split(':'))
                node = node.GetOrAdd(part);
            node.Entry = value;
        }
        return root;
    }

    public KeyTree? Find(string name) => _children.GetValueOrDefault(name);

    private KeyTree GetOrAdd(string name)
    {
        if (!_children.TryGetValue(name, out var child))
        {
            child = new KeyTree(Key.Length == 0 ? name : $"{Key}:{name}", name);
            _children.Add(name, child);
        }
        return child;
    }
}
