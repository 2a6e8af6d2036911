namespace EdgeCache.Storage.Local;

/// <summary>The limits of each namespace by its number, so that a hit finds them in an array. Emptied now and then, so that what changes is seen.</summary>
internal sealed class NamespaceLimitTable(Func<string, NamespaceLimits> lookup)
{
    private const int Step = 64;

    // Held while the table is emptied, or a namespace is looked up and added: what was looked up before it is emptied never gets in after. Nothing is locked within.
    private readonly Lock _changing = new();
    private NamespaceLimits?[] _byId = [];

    public NamespaceLimits Of(ushort id, string name)
    {
        var byId = Volatile.Read(ref _byId);
        return id < byId.Length && Volatile.Read(ref byId[id]) is { } known ? known : Load(id, name);
    }

    /// <summary>Forgets what it knows: each namespace is looked up once more.</summary>
    public void Refresh()
    {
        lock (_changing)
            Volatile.Write(ref _byId, []);
    }

    private NamespaceLimits Load(ushort id, string name)
    {
        lock (_changing)
        {
            var limits = lookup(name);
            // Those that share a number need not have the same limits.
            if (id == NamespaceTable.Overflow)
                return limits;
            var byId = _byId;
            if (id >= byId.Length)
            {
                Array.Resize(ref byId, (id / Step + 1) * Step);
                Volatile.Write(ref _byId, byId);
            }
            Volatile.Write(ref byId[id], limits);
            return limits;
        }
    }
}
