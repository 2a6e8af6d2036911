namespace EdgeCache.Edge.Access;

/// <summary>What somebody may do, apart from where.</summary>
[Flags]
internal enum Scopes
{
    None = 0,

    /// <summary>GET and HEAD of blobs.</summary>
    Read = 1,

    /// <summary>PUT of blobs.</summary>
    Write = 2,

    /// <summary>DELETE of blobs.</summary>
    Delete = 4,

    /// <summary>Removing many blobs at once.</summary>
    Purge = 8,

    /// <summary>What is under <c>/admin</c>.</summary>
    Admin = 16,

    All = Read | Write | Delete | Purge | Admin,
}

/// <summary>Scopes as people write them.</summary>
internal static class ScopeNames
{
    /// <summary>Every name, in the order in which they are shown.</summary>
    public static IReadOnlyList<string> Known { get; } = ["read", "write", "delete", "purge", "admin"];

    /// <summary>Reads a list of names; null when one of them is none.</summary>
    public static Scopes? TryParse(IEnumerable<string> names)
    {
        var scopes = Scopes.None;
        foreach (var name in names)
        {
            if (IndexOf(name) is not (>= 0 and var index))
                return null;
            scopes |= (Scopes)(1 << index);
        }
        return scopes;
    }

    /// <summary>The names of these scopes.</summary>
    public static string[] Of(Scopes scopes) => [.. Known.Where((_, index) => scopes.HasFlag((Scopes)(1 << index)))];

    private static int IndexOf(string name)
    {
        for (var i = 0; i < Known.Count; i++)
        {
            if (Known[i] == name)
                return i;
        }
        return -1;
    }
}
