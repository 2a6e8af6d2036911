using System.Buffers;

namespace EdgeCache.Storage;

/// <summary>
/// The name of a blob: namespace, tenant (may be empty) and key. Parsed once at the edge; every value that exists is valid everywhere
/// (as a path segment, an object name, a header value), so no later layer checks again.
/// </summary>
public readonly record struct BlobKey
{
    /// <summary>Longest key in bytes (a key is ASCII, so also in characters).</summary>
    public const int MaxKeyLength = 512;

    /// <summary>Longest namespace or tenant in bytes.</summary>
    public const int MaxLabelLength = 64;

    private static readonly SearchValues<char> KeyCharacters =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~@+=/");

    private static readonly SearchValues<char> LabelCharacters = SearchValues.Create("abcdefghijklmnopqrstuvwxyz0123456789-");

    private BlobKey(string @namespace, string tenant, string key)
    {
        Namespace = @namespace;
        Tenant = tenant;
        Key = key;
    }

    /// <summary>The namespace, <c>[a-z0-9-]{1,64}</c>.</summary>
    public string Namespace { get; }

    /// <summary>The tenant, <c>[a-z0-9-]{0,64}</c>; empty where a namespace is not divided.</summary>
    public string Tenant { get; }

    /// <summary>The key within namespace and tenant: 1 to 512 bytes of <c>A-Za-z0-9-._~@+=</c>, and <c>/</c> where the namespace allows it.</summary>
    public string Key { get; }

    /// <summary>Whether this is the default value, which names no blob.</summary>
    public bool IsDefault => Key is null;

    /// <summary>Makes a key of its parts, or says why they do not make one.</summary>
    /// <param name="namespace">The namespace.</param>
    /// <param name="tenant">The tenant, or an empty string.</param>
    /// <param name="key">The key, already percent-decoded.</param>
    /// <param name="allowSlash">Whether the namespace lets <c>/</c> separate segments of the key.</param>
    /// <param name="result">The key, when the answer is null.</param>
    /// <returns>Null when the parts are good; otherwise one sentence for the person who sent them.</returns>
    public static string? TryCreate(string @namespace, string tenant, string key, bool allowSlash, out BlobKey result)
    {
        result = default;
        if (!IsLabel(@namespace))
            return "A namespace is 1 to 64 characters of a-z, 0-9 and '-'.";
        if (tenant.Length > 0 && !IsLabel(tenant))
            return "A tenant is 1 to 64 characters of a-z, 0-9 and '-'.";
        if (CheckKey(key, allowSlash) is { } fault)
            return fault;
        result = new BlobKey(@namespace, tenant, key);
        return null;
    }

    /// <summary>Makes a key of parts that are known to be good, such as those a store has read back from its own record.</summary>
    /// <exception cref="ArgumentException">The parts do not make a key.</exception>
    public static BlobKey Create(string @namespace, string tenant, string key) =>
        TryCreate(@namespace, tenant, key, allowSlash: true, out var result) is { } fault ? throw new ArgumentException(fault, nameof(key)) : result;

    /// <summary>Whether a text is a well-formed namespace or tenant.</summary>
    public static bool IsLabel(string? text) => text is { Length: > 0 and <= MaxLabelLength } && !text.AsSpan().ContainsAnyExcept(LabelCharacters);

    /// <inheritdoc/>
    public override string ToString() => IsDefault ? "(unknown key)" : Tenant.Length == 0 ? $"{Namespace}/{Key}" : $"{Namespace}/[{Tenant}]/{Key}";

    private static string? CheckKey(string key, bool allowSlash)
    {
        if (key.Length == 0)
            return "The key is empty.";
        if (key.Length > MaxKeyLength)
            return $"The key has {key.Length} characters; the limit is {MaxKeyLength}.";
        if (key.AsSpan().ContainsAnyExcept(KeyCharacters))
            return "The key has a character outside A-Z a-z 0-9 - . _ ~ @ + =.";
        if (!key.Contains('/'))
            return key is "." or ".." ? "The key must not be '.' or '..'." : null;
        if (!allowSlash)
            return "The key has a '/', which this namespace does not allow.";
        foreach (var range in key.AsSpan().Split('/'))
        {
            if (key.AsSpan()[range] is "" or "." or "..")
                return "The key must not have an empty, '.' or '..' segment.";
        }
        return null;
    }
}
