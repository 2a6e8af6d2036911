using System.Net;
using EdgeCache.Client.Signing;

namespace EdgeCache.Edge.Signing;

/// <summary>What a signature is held against: the request as it came, before anything was decoded.</summary>
/// <param name="Method">The method.</param>
/// <param name="Target">The target as it was sent (RFC 9112, section 3.2.1): path and query, nothing decoded.</param>
/// <param name="Path">The path as the node understood it, decoded.</param>
/// <param name="Address">Who asks; null where that is not known.</param>
/// <param name="Cookie">Reads a cookie; null for a client that sends none.</param>
internal readonly record struct SignedRequest(string Method, string Target, string Path, IPAddress? Address, Func<string, string?>? Cookie = null)
{
    /// <summary>Longest target that is looked at, in characters; the server takes no longer request line either.</summary>
    public const int MaxTargetLength = 8 * 1024;

    /// <summary>The path as it was sent.</summary>
    public ReadOnlySpan<char> RawPath => SigningRequest.PathOf(Target);

    /// <summary>The query as it was sent, without its '?'; empty for none.</summary>
    public ReadOnlySpan<char> RawQuery => SigningRequest.QueryOf(Target);

    /// <summary>
    /// Whether what was sent is what is served. A signature covers the path as sent, and the server takes dot segments out of it before it looks for a blob: what is signed for
    /// one folder would open another.
    /// </summary>
    public bool IsPlain()
    {
        if (Target.Length is 0 or > MaxTargetLength || Target[0] != '/')
            return false;
        var raw = RawPath;
        return !raw.Contains('%') ? raw.SequenceEqual(Path) && !raw.Contains('\\') : !raw.Contains("%2f", StringComparison.OrdinalIgnoreCase) && Uri.UnescapeDataString(raw) == Path && SigningRequest.IsUnambiguous(Path);
    }
}
