using System.Collections.Frozen;
using System.Reflection;

namespace EdgeCache.Edge.Configuration;

/// <summary>What a property of the options is, for the loader.</summary>
internal enum OptionKind
{
    Value,
    List,
    Section,
    Map,
}

/// <summary>One property of an options class.</summary>
/// <param name="Property">The property.</param>
/// <param name="Setting">What its attribute says; an empty one where there is none.</param>
/// <param name="Kind">Whether it is a value, a list of texts, a section, or named sections.</param>
/// <param name="Child">What is inside a section, or inside each of the named sections.</param>
internal sealed record OptionProperty(PropertyInfo Property, SettingAttribute Setting, OptionKind Kind, OptionSchema? Child)
{
    public string Name => Property.Name;

    public object? Get(object owner) => Property.GetValue(owner);

    public void Set(object owner, object? value) => Property.SetValue(owner, value);
}

/// <summary>One value within an options object.</summary>
/// <param name="Key">Its full configuration key.</param>
/// <param name="Property">Its property.</param>
/// <param name="Owner">The object that has the property.</param>
internal sealed record OptionLeaf(string Key, OptionProperty Property, object Owner)
{
    public object? Value => Property.Get(Owner);
}

/// <summary>The shape of an options class, read once by reflection: the classes themselves say what can be configured.</summary>
internal sealed class OptionSchema
{
    public const string Section = "EdgeCache";

    private readonly Type _type;

    private OptionSchema(Type type)
    {
        _type = type;
        Properties = type.GetProperties(BindingFlags.Public | BindingFlags.Instance).Where(p => p.CanWrite).Select(Describe)
            .ToFrozenDictionary(p => p.Name, StringComparer.OrdinalIgnoreCase);
        Ordered = [.. type.GetProperties(BindingFlags.Public | BindingFlags.Instance).Where(p => p.CanWrite).Select(p => Properties[p.Name])];
    }

    public static OptionSchema Root { get; } = new(typeof(EdgeCacheOptions));

    public FrozenDictionary<string, OptionProperty> Properties { get; }

    /// <summary>The properties in the order of the source, which is the order in which people read them.</summary>
    public IReadOnlyList<OptionProperty> Ordered { get; }

    public object CreateInstance() => Activator.CreateInstance(_type)!;

    /// <summary>Every value of an options object with its key.</summary>
    public static IEnumerable<OptionLeaf> Leaves(EdgeCacheOptions options) => Root.Leaves(Section, options);

    /// <summary>Keys of all values outside named sections, for aliases and for suggestions.</summary>
    public static IEnumerable<(string Key, OptionProperty Property)> KnownKeys() => Leaves(new EdgeCacheOptions()).Select(l => (l.Key, l.Property));

    private IEnumerable<OptionLeaf> Leaves(string prefix, object owner)
    {
        foreach (var property in Ordered)
        {
            var key = $"{prefix}:{property.Name}";
            var inner = property.Kind switch
            {
                OptionKind.Section => property.Child!.Leaves(key, property.Get(owner)!),
                OptionKind.Map => Named(property, owner).SelectMany(n => property.Child!.Leaves($"{key}:{n.Name}", n.Value)),
                _ => [new OptionLeaf(key, property, owner)],
            };
            foreach (var leaf in inner)
                yield return leaf;
        }
    }

    private static IEnumerable<(string Name, object Value)> Named(OptionProperty property, object owner)
    {
        foreach (System.Collections.DictionaryEntry entry in (System.Collections.IDictionary)property.Get(owner)!)
            yield return ((string)entry.Key, entry.Value!);
    }

    private static OptionProperty Describe(PropertyInfo property)
    {
        var setting = property.GetCustomAttribute<SettingAttribute>() ?? new SettingAttribute();
        var type = property.PropertyType;
        if (ValueText.IsValue(type))
            return new OptionProperty(property, setting, OptionKind.Value, null);
        if (type == typeof(List<string>))
            return new OptionProperty(property, setting, OptionKind.List, null);
        return type.IsGenericType
            ? new OptionProperty(property, setting, OptionKind.Map, new OptionSchema(type.GetGenericArguments()[1]))
            : new OptionProperty(property, setting, OptionKind.Section, new OptionSchema(type));
    }
}
