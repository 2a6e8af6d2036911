using System.Globalization;
using EdgeCache.Client.Signing;

namespace EdgeCache.Edge.Signing;

/// <summary>One way of signing addresses, with its keys. Immutable; replaced as a whole at a reload.</summary>
internal abstract class SignedUrlPolicy(SignedUrlTerms terms)
{
    /// <summary>Later than any date that a URL is signed for, and still far from where sums overflow: the end of the year 9999.</summary>
    private const long LastSecond = 253_402_300_799;

    private readonly SignatureMemory _memory = new();

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

    /// <summary>Whether the request may pass by its signature; <see cref="SignatureFault.Missing"/> where it has none.</summary>
    public SignatureVerdict Verify(in SignedRequest request, DateTimeOffset now)
    {
        var isPlain = request.IsPlain();
        var hash = 0;
        var statement = isPlain ? _memory.Find(request.Target, out hash) : null;
        if (statement is null)
        {
            var fault = isPlain ? Read(request, out statement!) : SignatureFault.UnclearPath;
            if (fault is SignatureFault.Malformed or SignatureFault.UnclearPath && !IsSigned(request))
                return SignatureFault.Missing;
            if (fault != SignatureFault.None)
                return fault;
            if (statement!.IsInAddress)
                _memory.Learn(request.Target, hash, statement);
        }
        if (statement.Client?.Contains(request.Address) == false)
            return SignatureFault.WrongClient;
        if (IsOver(statement.Grant.Expires, now))
            return SignatureFault.Expired;
        if (statement.NotBefore is { } begins && IsAhead(begins, now))
            return SignatureFault.NotYetValid;
        return (statement.Grant.Methods & SignedMethodText.Of(request.Method)) == SignedMethods.None ? SignatureFault.WrongMethod : statement.Grant;
    }

    /// <summary>Makes an address that <see cref="Verify"/> accepts.</summary>
    /// <exception cref="SigningException">The policy can't sign this; the message says why.</exception>
    public SignedLink Sign(SigningRequest request, DateTimeOffset now)
    {
        request.Check(Parameters, now);
        return SignPlain(request, now);
    }

    /// <summary>Looks at the signature itself: whether it is one of a key for this address, and what it says. Who may use it, and when, is looked at for each request.</summary>
    protected abstract SignatureFault Read(in SignedRequest request, out SignedStatement statement);

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
}

/// <summary>What every policy has.</summary>
/// <param name="Name">Its name.</param>
/// <param name="PublicUrl">What comes before the path in the addresses that clients use: scheme, host, perhaps a path, without '/' at the end; empty where signatures cover the path alone.</param>
/// <param name="ClockSkew">By how much clocks may differ.</param>
/// <param name="Lifetime">How long an address is good, where nobody says it.</param>
/// <param name="Methods">What signatures may be good for at most.</param>
internal sealed record SignedUrlTerms(string Name, string PublicUrl, TimeSpan ClockSkew, TimeSpan Lifetime, SignedMethods Methods);

/// <summary>A signed address.</summary>
/// <param name="Url">The address: with scheme and host where the policy has a public URL, else from the path on.</param>
/// <param name="Expires">When its time is over.</param>
/// <param name="Cookies">The same signature as cookies; empty for a policy that has none.</param>
internal sealed record SignedLink(string Url, DateTimeOffset Expires, IReadOnlyList<KeyValuePair<string, string>> Cookies);
