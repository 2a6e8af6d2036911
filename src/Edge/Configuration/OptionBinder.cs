using System.Collections;

namespace EdgeCache.Edge.Configuration;

/// <summary>Puts the flattened values into the options, and reports every key that is not known and every value that can't be read.</summary>
internal sealed class OptionBinder(ConfigurationErrors errors)
{
    public EdgeCacheOptions Bind(KeyTree root)
    {
        var options = new EdgeCacheOptions();
        if (root.Find(OptionSchema.Section) is { } section)
            BindSection(section, OptionSchema.Root, options);
        return options;
    }

    private void BindSection(KeyTree node, OptionSchema schema, object target)
    {
        if (node.Entry?.Value is not null)
            errors.AddKey(node.Key, $"is a section with {string.Join(", ", schema.Ordered.Select(p => p.Name))}; it can't have a value of its own.");
        foreach (var child in node.Children)
        {
            if (!schema.Properties.TryGetValue(child.Name, out var property))
                AddUnknown(child, schema);
            else
                BindProperty(child, property, target);
        }
    }

    private void BindProperty(KeyTree node, OptionProperty property, object target)
    {
        switch (property.Kind)
        {
            case OptionKind.Section:
                BindSection(node, property.Child!, property.Get(target)!);
                break;
            case OptionKind.Map:
                BindMap(node, property, (IDictionary)property.Get(target)!);
                break;
            case OptionKind.List:
                BindList(node, property, target);
                break;
            default:
                BindValue(node, property, target);
                break;
        }
    }

    private void BindMap(KeyTree node, OptionProperty property, IDictionary map)
    {
        if (!string.IsNullOrEmpty(node.Entry?.Value))
            errors.AddKey(node.Key, "is a section with one section for each name; it can't have a value of its own.");
        foreach (var child in node.Children)
        {
            var item = map[child.Name] ?? property.Child!.CreateInstance();
            BindSection(child, property.Child!, item);
            map[child.Name] = item;
        }
    }

    /// <summary>
    /// The strongest layer that says anything about a list replaces it as a whole. (Stock .NET configuration merges lists by index,
    /// so that a shorter list leaves the tail of the weaker one in force: a hole where a list says who may come in.)
    /// </summary>
    private void BindList(KeyTree node, OptionProperty property, object target)
    {
        var layer = node.Layer;
        var list = new List<string>();
        if (node.Entry is { Value: { } text } entry && entry.Layer == layer)
            list.AddRange(text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries));
        foreach (var child in node.Children.Where(c => c.Layer == layer).OrderBy(c => int.TryParse(c.Name, out var index) ? index : int.MaxValue))
        {
            if (child.HasChildren || !int.TryParse(child.Name, out _))
                errors.AddKey(child.Key, $"{node.Key} is a list of texts; its entries are numbered from 0.");
            else if (string.IsNullOrWhiteSpace(child.Entry?.Value))
                errors.AddKey(child.Key, "is empty; give it a value or remove it.");
            else
                list.Add(child.Entry.Value);
        }
        property.Set(target, list);
    }

    private void BindValue(KeyTree node, OptionProperty property, object target)
    {
        if (node.HasChildren)
        {
            errors.AddKey(node.Children.First().Key, $"{node.Key} is a single value; nothing can stand below it.");
            return;
        }
        if (node.Entry is not { Value: { } text })
            return;

        // An empty variable is more often a lost secret or a typing error in a deployment file than a wish.
        if (string.IsNullOrWhiteSpace(text))
            errors.AddKey(node.Key, "is empty; give it a value or remove it.");
        else if (ValueText.TryRead(property, text, out var value) is not { } allowed)
            property.Set(target, value);
        else if (property.Setting.Secret)
            errors.AddKey(node.Key, $"must be {allowed}.");
        else
            errors.AddValue(node.Key, $"must be {allowed}.");
    }

    private void AddUnknown(KeyTree node, OptionSchema schema)
    {
        var sibling = Suggestion.Nearest(node.Name, schema.Ordered.Select(p => p.Name));
        var prefix = node.Key[..^node.Name.Length];
        var meant = sibling is not null
            ? prefix + sibling
            : OptionSchema.KnownKeys().Select(k => k.Key).FirstOrDefault(k => k.EndsWith($":{node.Name}", StringComparison.OrdinalIgnoreCase));
        errors.Add($"{node.Key} ({node.Origin}): is not a known option.{Suggestion.Sentence(meant)}");
    }
}
