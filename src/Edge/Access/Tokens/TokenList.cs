using System.Security.Cryptography;
using System.Text.Json;
using EdgeCache.Storage;

namespace EdgeCache.Edge.Access;

/// <summary>The list of tokens as it was read, and whether everything in it is good: a value of the type is valid.</summary>
internal sealed class TokenList
{
    public const string Format = "edgecache-tokens";
    public const int Version = 1;

    /// <summary>Most tokens in a list.</summary>
    public const int MaxTokens = 10_000;

    private static readonly TokenEntry[] None = [];

    private TokenList(bool isThere, IReadOnlyList<TokenEntry> tokens)
    {
        IsThere = isThere;
        Tokens = tokens;
    }

    /// <summary>There is no file: no list.</summary>
    public static TokenList Absent { get; } = new(isThere: false, None);

    /// <summary>There is a list, and no token in it.</summary>
    public static TokenList Empty { get; } = new(isThere: true, None);

    /// <summary>Whether there is a list at all.</summary>
    public bool IsThere { get; }

    public IReadOnlyList<TokenEntry> Tokens { get; }

    /// <summary>Makes a list of entries, or says what is wrong with one of them.</summary>
    public static TokenList? TryCreate(IReadOnlyList<TokenEntry> tokens, out string? fault)
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        var digests = new HashSet<string>(StringComparer.Ordinal);
        fault = tokens.Count > MaxTokens ? $"has {tokens.Count} tokens; the limit is {MaxTokens}." : null;
        foreach (var token in tokens)
        {
            fault ??= Check(token);
            if (!names.Add(token.Name))
                fault ??= $"has two tokens named '{token.Name}'.";
            if (!digests.Add(token.Sha256))
                fault ??= $"has the token '{token.Name}' under another name too.";
            if (fault is not null)
                return null;
        }
        return fault is null ? new TokenList(isThere: true, tokens) : null;
    }

    /// <summary>Reads a list from its file's content.</summary>
    public static TokenList? TryParse(ReadOnlySpan<byte> content, out string? fault)
    {
        try
        {
            if (JsonSerializer.Deserialize(content, TokenListHeadJson.Default.TokenListHead) is not { Format: Format } head)
                fault = $"is not a list of tokens (it has no \"format\": \"{Format}\").";
            else if (head.Version is < 1 or > Version)
                fault = $"has version {head.Version}, written by a newer EdgeCache; this one knows version {Version}.";
            else
                return TryCreate(JsonSerializer.Deserialize(content, TokenListJson.Default.TokenListContent)!.Tokens, out fault);
            return null;
        }
        catch (JsonException e)
        {
            var where = e.LineNumber is { } line ? $" at line {line + 1}" : "";
            fault = $"is damaged or was edited wrongly{where} ({e.Path ?? "$"}).";
            return null;
        }
    }

    /// <summary>The content of the list's file.</summary>
    public byte[] ToBytes() =>
        JsonSerializer.SerializeToUtf8Bytes(new TokenListContent { Format = Format, Version = Version, Tokens = [.. Tokens] }, TokenListJson.Default.TokenListContent);

    private static string? Check(TokenEntry token)
    {
        if (CheckName(token.Name) is { } fault)
            return fault;
        if (!Sha256Digest.TryParseHex(token.Sha256, out _) || token.Sha256.Length != SHA256.HashSizeInBytes * 2)
            return $"has no SHA-256 for the token '{token.Name}'.";
        if (token.Scopes.Length == 0 || ScopeNames.TryParse(token.Scopes) is null)
            return $"gives the token '{token.Name}' scopes that are none; there are {string.Join(", ", ScopeNames.Known)}.";
        if (token.Namespaces.Concat(token.Tenants).FirstOrDefault(n => !BlobKey.IsLabel(n)) is { } label)
            return $"gives the token '{token.Name}' the namespace or tenant '{label}', which can't exist: 1 to {BlobKey.MaxLabelLength} characters of a-z, 0-9 and '-'.";
        if (token.Prefixes.Any(p => p.Length is 0 or > BlobKey.MaxKeyLength))
            return $"gives the token '{token.Name}' a prefix that no key has: 1 to {BlobKey.MaxKeyLength} characters.";
        return token.Limits is { } limits && (limits.RequestsPerSecond < 0 || limits.Burst < 0 || limits.BytesPerSecond < 0)
            ? $"gives the token '{token.Name}' a limit below 0."
            : null;
    }

    private static string? CheckName(string name) => name switch
    {
        TokenTable.ConfiguredName => $"has a token named '{name}', which is the name of the one that is set in the configuration.",
        { Length: > 0 and <= BlobKey.MaxLabelLength } when !name.AsSpan().ContainsAnyExcept(NameCharacters) => null,
        _ => $"has a token with a bad name: 1 to {BlobKey.MaxLabelLength} characters of A-Z, a-z, 0-9, '-', '_' and '.'.",
    };

    private static readonly System.Buffers.SearchValues<char> NameCharacters =
        System.Buffers.SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.");
}
