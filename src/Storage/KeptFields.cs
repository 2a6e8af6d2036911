using System.Buffers;

namespace EdgeCache.Storage;

/// <summary>Which header fields may be kept with a blob and given back with it, wherever they come from: a client, another node, a bucket.</summary>
public static class KeptFields
{
    private static readonly SearchValues<char> NameCharacters = SearchValues.Create("abcdefghijklmnopqrstuvwxyz0123456789-");

    /// <summary>Fields beside <c>x-…</c> that may be kept.</summary>
    private static readonly string[] PlainNames = ["content-encoding", "content-language"];

    /// <summary>Fields that servers and browsers obey, which a stored blob must not be able to set.</summary>
    private static readonly string[] ObeyedNames = ["x-content-type-options", "x-frame-options", "x-xss-protection", "x-accel-", "x-sendfile", "x-forwarded-", "x-real-ip", "x-http-method", "x-ua-compatible", "x-permitted-", "x-dns-", "x-robots-"];

    /// <summary>Whether a field of this name (in lower case) may be kept.</summary>
    public static bool IsKept(string name) =>
        !name.AsSpan().ContainsAnyExcept(NameCharacters)
        && (PlainNames.Contains(name, StringComparer.Ordinal) || (name.StartsWith("x-", StringComparison.Ordinal) && !Array.Exists(ObeyedNames, o => name.StartsWith(o, StringComparison.Ordinal))));

    /// <summary>Whether a text can be a field's value as it is: printable ASCII, so that it can't end a field and begin another.</summary>
    public static bool IsValue(string text) => !text.AsSpan().ContainsAnyExceptInRange(' ', '~');
}
