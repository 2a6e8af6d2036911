namespace EdgeCache.Client.Signing;

/// <summary>What is to be signed.</summary>
/// <param name="Target">
/// The path, from its first '/' on, and the query if there is one, as in the URL: percent-encoded where it must be, at most 4096 characters, without empty, '.' or '..' segments and
/// without <c>%2F</c>, which would mean another path.
/// </param>
/// <param name="Methods">What it is to be good for: one method or more.</param>
/// <param name="Expires">When its time is over, to the second.</param>
/// <param name="NotBefore">When its time begins, to the second; null for at once. Default: at once.</param>
/// <param name="Client">The address or the network that may use it, such as <c>192.0.2.0/24</c>; null for anybody. Default: anybody.</param>
/// <param name="Under">The beginning of the path, with '/' at its end, below which it is to be good for everything, whatever the query; null for the path and query alone. Default: those alone.</param>
public sealed record SigningRequest(string Target, SignedMethods Methods, DateTimeOffset Expires, DateTimeOffset? NotBefore = null, string? Client = null, string? Under = null)
{
    /// <summary>Longest target that is signed, in characters.</summary>
    internal const int MaxTargetLength = 4 * 1024;

    /// <summary>The path of a target.</summary>
    internal static ReadOnlySpan<char> PathOf(string target)
    {
        var query = target.AsSpan().IndexOf('?');
        return query < 0 ? target : target.AsSpan(0, query);
    }

    /// <summary>The query of a target, without its '?'; empty for none.</summary>
    internal static ReadOnlySpan<char> QueryOf(string target)
    {
        var query = target.AsSpan().IndexOf('?');
        return query < 0 ? default : target.AsSpan(query + 1);
    }

    /// <summary>Makes sure that a signature of this could be checked, and that it opens nothing but what it says.</summary>
    /// <param name="parameters">The parameters of the signature itself.</param>
    /// <param name="now">The time.</param>
    /// <exception cref="SigningException">It could not; the message says why.</exception>
    internal void Check(IReadOnlyList<string> parameters, DateTimeOffset now)
    {
        if (Target.Length is 0 or > MaxTargetLength || Target[0] != '/' || Target.AsSpan().IndexOfAnyExceptInRange('!', '~') >= 0 || Target.AsSpan().ContainsAny("\"\\#<>"))
            throw new SigningException("The path must begin with '/' and be written as in a URL, percent-encoded where it must be.");
        if (!IsStraight(Target))
            throw new SigningException("The path must not have empty, '.' or '..' segments, nor '%2F', '%5C' or what is encoded twice.");
        if (Methods == SignedMethods.None)
            throw new SigningException($"The methods must be one or more of {SignedMethodText.Names}.");
        if (Expires <= now)
            throw new SigningException("The end of the time is over already.");
        if (NotBefore >= Expires)
            throw new SigningException("The time ends before it begins.");
        if (NotBefore < DateTimeOffset.UnixEpoch)
            throw new SigningException("The time begins before 1970.");
        if (Client is not null && !ClientNetwork.TryParse(Client, out _))
            throw new SigningException("The client must be an address or a network, such as 192.0.2.7 or 2001:db8::/32.");
        if (Under is { } under && (!under.EndsWith('/') || !Target.StartsWith(under, StringComparison.Ordinal) || under.Contains('?')))
            throw new SigningException("What the signature is to be good for must be the beginning of the path, with '/' at its end.");
        if (QueryText.HasAny(QueryOf(Target), parameters))
            throw new SigningException($"The query has a parameter that is the signature's own: {string.Join(", ", parameters)}.");
    }

    /// <summary>Whether a path, decoded once, can mean no other one: to whoever decodes it again, or takes a backslash for a slash, neither.</summary>
    internal static bool IsUnambiguous(ReadOnlySpan<char> decoded) =>
        !decoded.Contains('\\') && !(decoded.Contains('%') && (decoded.Contains("%2e", StringComparison.OrdinalIgnoreCase) || decoded.Contains("%2f", StringComparison.OrdinalIgnoreCase) || decoded.Contains("%5c", StringComparison.OrdinalIgnoreCase)));

    private static bool IsStraight(string target)
    {
        var path = PathOf(target);
        if (path.Contains("%2f", StringComparison.OrdinalIgnoreCase))
            return false;
        var decoded = Uri.UnescapeDataString(path).AsSpan(1);
        if (!IsUnambiguous(decoded))
            return false;
        foreach (var range in decoded.Split('/'))
        {
            if (decoded[range] is "." or ".." || (decoded[range].IsEmpty && range.End.Value != decoded.Length))
                return false;
        }
        return true;
    }
}
