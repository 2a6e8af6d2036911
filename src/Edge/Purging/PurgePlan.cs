using EdgeCache.Edge.Access;
using EdgeCache.Edge.Configuration;
using EdgeCache.Edge.Protocols;
using EdgeCache.Storage;

namespace EdgeCache.Edge.Purging;

/// <summary>What is to become of a blob.</summary>
internal enum PurgeMode
{
    /// <summary>It is gone, here and in the far store.</summary>
    Hard,

    /// <summary>What is here is held against the far store before it is served again.</summary>
    Soft,

    /// <summary>The copy here is gone; the far store keeps what it has.</summary>
    Local,
}

/// <summary>Which blobs are to be purged, and how.</summary>
/// <param name="Namespace">Their namespace.</param>
/// <param name="Keys">The blobs themselves; null where they are looked for.</param>
/// <param name="Prefix">What is looked for; null where the keys are given.</param>
/// <param name="Mode">How.</param>
/// <param name="Outward">Whether providers are told.</param>
/// <param name="What">All this in a few words.</param>
internal sealed record PurgePlan(string Namespace, IReadOnlyList<BlobKey>? Keys, BlobPrefix? Prefix, PurgeMode Mode, bool Outward, string What)
{
    /// <summary>Most keys of one call.</summary>
    public const int MaxKeys = 1000;

    /// <summary>Makes a plan of what was asked for.</summary>
    /// <returns>The sentence that says what is wrong; null when there is a plan.</returns>
    public static string? TryRead(PurgeText? text, EdgeSettings settings, out PurgePlan plan)
    {
        plan = null!;
        if (text?.Namespace is not { } name || !settings.Namespaces.TryGetValue(name, out var policy))
            return "\"namespace\" must be one that is configured (EdgeCache:Namespaces).";
        if (ReadMode(text.Mode) is not { } mode)
            return "\"mode\" must be hard, soft or local.";
        var given = (text.Keys is null ? 0 : 1) + (text.Prefix is null ? 0 : 1) + (text.Tag is null ? 0 : 1) + (text.Writer is null ? 0 : 1) + (text.All ? 1 : 0);
        if (given != 1)
            return "Exactly one of \"keys\", \"prefix\", \"tag\", \"writer\" and \"all\" says which blobs.";
        if (text.Prefix is "" || text.Tag is "")
            return "An empty prefix or tag is none. To purge the whole namespace, say \"all\": true.";
        if (text.Prefix is { } begin && (begin.Length > BlobKey.MaxKeyLength || begin.Any(c => c is < '!' or > '~')))
            return "\"prefix\" is not the beginning of any key.";
        if (text.Keys is { } keys)
            return ReadKeys(keys, policy, mode, text.Outward != false, out plan);
        plan = new PurgePlan(name, null, new BlobPrefix(name, KeyPrefix: text.Prefix ?? "", Tag: text.Tag, Writer: text.Writer), mode, text.Outward != false, Describe(text));
        return null;
    }

    /// <summary>Whether somebody may purge all of it. Who is kept to some beginnings of keys may purge by key, or below one of them.</summary>
    public bool IsWithin(Principal principal) => Keys is { } keys
        ? keys.All(k => principal.Permits(Scopes.Purge, k))
        : principal.Permits(Scopes.Purge) && principal.Reach.Tenants.Count == 0 && principal.Reach.Covers(Namespace, "", Prefix!.KeyPrefix);

    private static string? ReadKeys(string[] keys, NamespacePolicy policy, PurgeMode mode, bool outward, out PurgePlan plan)
    {
        plan = null!;
        if (keys.Length is 0 or > MaxKeys)
            return $"\"keys\" must be 1 to {MaxKeys} keys.";
        var parsed = new List<BlobKey>(keys.Length);
        foreach (var text in keys)
        {
            if (text is null || ProtocolMiddleware.ParseKey(policy, text, out var key) is not null)
                return "\"keys\" has one that is no key of the namespace.";
            parsed.Add(key);
        }
        plan = new PurgePlan(policy.Name, parsed, null, mode, outward, parsed.Count == 1 ? $"the key {parsed[0].Key}" : $"{parsed.Count} keys");
        return null;
    }

    private static PurgeMode? ReadMode(string? text) => text switch
    {
        null or "hard" => PurgeMode.Hard,
        "soft" => PurgeMode.Soft,
        "local" => PurgeMode.Local,
        _ => null,
    };

    private static string Describe(PurgeText text) =>
        text.Prefix is { } prefix ? $"keys that begin with {prefix}" : text.Tag is { } tag ? $"the tag {tag}" : text.Writer is { } writer ? $"what {(writer.Length == 0 ? "nobody known" : writer)} wrote" : "everything";
}
