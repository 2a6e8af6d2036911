using System.Collections.Concurrent;

namespace EdgeCache.Storage.Local;

/// <summary>Short numbers for namespaces, for the index. Written down with the snapshot; bounded by what a number can say.</summary>
internal sealed class NamespaceTable
{
    /// <summary>For namespaces beyond the bound: they work, but share their sums.</summary>
    public const ushort Overflow = ushort.MaxValue;

    private readonly ConcurrentDictionary<string, ushort> _ids = new(StringComparer.Ordinal);
    private readonly Lock _adding = new();

    public ushort IdOf(string name)
    {
        if (_ids.TryGetValue(name, out var id))
            return id;
        lock (_adding)
        {
            // Under the lock two new names can't get the same number.
            return _ids.Count >= Overflow ? Overflow : _ids.GetOrAdd(name, _ => (ushort)_ids.Count);
        }
    }

    public IReadOnlyDictionary<string, ushort> List() => new Dictionary<string, ushort>(_ids, StringComparer.Ordinal);

    public void Load(string name, ushort id) => _ids[name] = id;
}
