using EdgeCache.Edge.Limits;
using EdgeCache.Storage;

namespace EdgeCache.Edge.Access;

/// <summary>Who makes a request, as far as it is known, and what they may do. Every write records the name. A value of the type does not change.</summary>
internal sealed class Principal
{
    public Principal(string name)
    {
        Name = name;
        Id = KeyedHash.Of(name);
    }

    /// <summary>Anybody, where no credentials are configured. Not for <see cref="Access.Scopes.Purge"/> and <see cref="Access.Scopes.Admin"/>: those always need somebody by name.</summary>
    public static Principal Anonymous { get; } = new("") { Scopes = Scopes.Read | Scopes.Write | Scopes.Delete };

    /// <summary>Anybody, where everybody may read.</summary>
    public static Principal AnonymousReader { get; } = new("") { Scopes = Scopes.Read };

    /// <summary>The name; empty for somebody who did not say.</summary>
    public string Name { get; }

    /// <summary>The name in a number, for limits.</summary>
    public ulong Id { get; }

    public Scopes Scopes { get; init; }

    public Reach Reach { get; init; } = Reach.Everything;

    /// <summary>When this ends; null for never.</summary>
    public DateTimeOffset? Expires { get; init; }

    /// <summary>Limits that are theirs instead of those of every principal; null for none.</summary>
    public Rate? Limits { get; init; }

    /// <summary>By what they are known, for the audit log: <c>nothing</c>, <c>token</c>, and what other readers of credentials say.</summary>
    public string IdentifiedBy { get; init; } = "nothing";

    public bool IsAnonymous => Name.Length == 0;

    /// <summary>Whether they may do this to a blob.</summary>
    public bool Permits(Scopes scope, in BlobKey key) => Permits(scope) && Reach.Covers(key);

    /// <summary>Whether they may do this at all, wherever.</summary>
    public bool Permits(Scopes scope) => (Scopes & scope) == scope;

    public bool HasExpired(TimeProvider time) => Expires is { } end && time.GetUtcNow() >= end;
}
