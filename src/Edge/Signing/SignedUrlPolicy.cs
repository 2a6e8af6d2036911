using System.Globalization;

namespace EdgeCache.Edge.Signing;

/// <summary>One way of signing addresses, with its keys. Immutable; replaced as a whole at a reload.</summary>
internal abstract class SignedUrlPolicy(SignedUrlTerms terms)
{
    /// <summary>Later than any date that a URL is signed for, and still far from where sums overflow: the end of the year 9999.</summary>
    private const long LastSecond = 253_402_300_799;

    public string Name => Terms.Name;

    /// <summary>How long an address is good, where nobody says it.</summary>
    public TimeSpan Lifetime => Terms.Lifetime;

    /// <summary>The names of the parameters in the query that are the signature's own: neither the cache's key nor an origin ever sees them.</summary>
    public abstract IReadOnlyList<string> Parameters { get; }

    /// <summary>The names of the cookies that are the signature's own.</summary>
    public virtual IReadOnlyList<string> Cookies => [];

    protected SignedUrlTerms Terms { get; } = terms;

    /// <summary>Whether the request has anything of a signature.</summary>
    public virtual bool IsSigned(in SignedRequest request) => QueryText.HasAny(request.RawQuery, Parameters);

    /// <summary>Whether the request may pass by its signature.</summary>
    public SignatureVerdict Verify(in SignedRequest request, DateTimeOffset now)
    {
        if (!request.IsPlain())
            return SignatureFault.UnclearPath;
        var verdict = VerifySigned(request, now);
        return verdict.Grant is { } grant && (grant.Methods & SignedMethodText.Of(request.Method)) == SignedMethods.None ? SignatureFault.WrongMethod : verdict;
    }

    /// <summary>Makes an address that <see cref="Verify"/> accepts.</summary>
    /// <exception cref="SigningException">The policy can't sign this; the message says why.</exception>
    public SignedLink Sign(SigningRequest request, DateTimeOffset now)
    {
        if (request.Target.Length is 0 or > SignedRequest.MaxTargetLength / 2 || request.Target[0] != '/' || request.Target.AsSpan().IndexOfAnyExceptInRange('!', '~') >= 0 || request.Target.AsSpan().ContainsAny("\"\\#<>"))
            throw new SigningException("The path must begin with '/' and be written as in a URL, percent-encoded where it must be.");
        if (!IsStraight(request.Target))
            throw new SigningException("The path must not have empty, '.' or '..' segments, nor '%2F'.");
        if (request.Expires <= now)
            throw new SigningException("The end of the time is over already.");
        if (request.NotBefore >= request.Expires)
            throw new SigningException("The time ends before it begins.");
        if (request.Under is { } under && (!under.EndsWith('/') || !request.Target.StartsWith(under, StringComparison.Ordinal) || under.Contains('?')))
            throw new SigningException("What the signature is to be good for must be the beginning of the path, with '/' at its end.");
        if (QueryText.HasAny(new SignedRequest("GET", request.Target, "", null).RawQuery, Parameters))
            throw new SigningException($"The query has a parameter that is the signature's own: {string.Join(", ", Parameters)}.");
        return SignPlain(request, now);
    }

    protected abstract SignatureVerdict VerifySigned(in SignedRequest request, DateTimeOffset now);

    protected abstract SignedLink SignPlain(SigningRequest request, DateTimeOffset now);

    /// <summary>Whether a time is over, with the allowance for clocks that differ.</summary>
    protected bool IsOver(DateTimeOffset expires, DateTimeOffset now) => now - Terms.ClockSkew >= expires;

    /// <summary>Whether a time has not come, with the allowance for clocks that differ.</summary>
    protected bool IsAhead(DateTimeOffset notBefore, DateTimeOffset now) => now + Terms.ClockSkew < notBefore;

    /// <summary>Reads seconds since 1970: digits alone, no zero in front, no sign. There is one way to write a number.</summary>
    protected static bool TryReadSeconds(ReadOnlySpan<char> text, out DateTimeOffset time)
    {
        time = default;
        if (text.Length is 0 or > 12 || (text[0] == '0' && text.Length > 1) || text.ContainsAnyExceptInRange('0', '9'))
            return false;
        var seconds = long.Parse(text, NumberStyles.None, CultureInfo.InvariantCulture);
        if (seconds > LastSecond)
            return false;
        time = DateTimeOffset.FromUnixTimeSeconds(seconds);
        return true;
    }

    protected static string Seconds(DateTimeOffset time) => time.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture);

    private static bool IsStraight(string target)
    {
        var path = new SignedRequest("GET", target, "", null).RawPath;
        if (path.Contains("%2f", StringComparison.OrdinalIgnoreCase))
            return false;
        var decoded = Uri.UnescapeDataString(path).AsSpan(1);
        var segments = 0;
        foreach (var range in decoded.Split('/'))
        {
            segments++;
            if (decoded[range] is "." or ".." || (decoded[range].IsEmpty && range.End.Value != decoded.Length))
                return false;
        }
        return segments > 0;
    }
}

/// <summary>What every policy has.</summary>
/// <param name="Name">Its name.</param>
/// <param name="PublicUrl">What comes before the path in the addresses that clients use: scheme, host, perhaps a path, without '/' at the end; empty where signatures cover the path alone.</param>
/// <param name="ClockSkew">By how much clocks may differ.</param>
/// <param name="Lifetime">How long an address is good, where nobody says it.</param>
/// <param name="Methods">What signatures may be good for at most.</param>
internal sealed record SignedUrlTerms(string Name, string PublicUrl, TimeSpan ClockSkew, TimeSpan Lifetime, SignedMethods Methods);

/// <summary>What is to be signed.</summary>
/// <param name="Target">The path, and the query if there is one, as in the URL.</param>
/// <param name="Methods">What it is to be good for.</param>
/// <param name="Expires">When its time is over.</param>
/// <param name="NotBefore">When its time begins; null for at once.</param>
/// <param name="Client">The network that may use it; null for anybody.</param>
/// <param name="Under">The beginning of the path, with '/' at its end, below which it is to be good for everything; null for the path alone.</param>
internal sealed record SigningRequest(string Target, SignedMethods Methods, DateTimeOffset Expires, DateTimeOffset? NotBefore = null, ClientNetwork? Client = null, string? Under = null);

/// <summary>A signed address.</summary>
/// <param name="Url">The address: with scheme and host where the policy has a public URL, else from the path on.</param>
/// <param name="Expires">When its time is over.</param>
/// <param name="Cookies">The same signature as cookies; empty for a policy that has none.</param>
internal sealed record SignedLink(string Url, DateTimeOffset Expires, IReadOnlyList<KeyValuePair<string, string>> Cookies);

/// <summary>A policy can't sign what is asked for; the message says why, to whoever asked.</summary>
internal sealed class SigningException(string message) : Exception(message);
