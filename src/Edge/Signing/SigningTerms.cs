using EdgeCache.Client.Signing;
using EdgeCache.Edge.Configuration;

namespace EdgeCache.Edge.Signing;

/// <summary>Makes of texts, as a person or a program gives them, what a policy signs.</summary>
internal static class SigningTerms
{
    /// <summary>Reads them.</summary>
    /// <param name="texts">What was given.</param>
    /// <param name="lifetime">How long an address is good where nobody says it.</param>
    /// <param name="now">The time.</param>
    /// <exception cref="SigningException">One of them can't be read; the message says which.</exception>
    public static SigningRequest Read(SigningTexts texts, TimeSpan lifetime, DateTimeOffset now)
    {
        var methods = SignedMethods.None;
        foreach (var name in texts.Methods)
        {
            var method = SignedMethodText.Of(name.ToUpperInvariant());
            methods |= method == SignedMethods.None ? throw new SigningException($"A method must be one of {SignedMethodText.Names}.") : method;
        }
        if (texts.Methods.Count == 0)
            methods = SignedMethods.Get | SignedMethods.Head;
        if (texts.ValidFor is { } given && (!Duration.TryParse(given, out lifetime) || lifetime < TimeSpan.FromSeconds(1) || lifetime > TimeSpan.FromDays(3650)))
            throw new SigningException("How long it is good must be a time from 1s to 3650d, such as 30m or 2h.");
        DateTimeOffset? begins = null;
        if (texts.NotBefore is { } time)
        {
            begins = DateTimeOffset.TryParse(time, System.Globalization.CultureInfo.InvariantCulture, System.Globalization.DateTimeStyles.AssumeUniversal, out var parsed)
                ? parsed
                : throw new SigningException("The beginning must be a time such as 2026-11-30T08:00:00Z.");
        }

        // Signatures know whole seconds; what is said of the end must not be later than it is.
        var expires = DateTimeOffset.FromUnixTimeSeconds(((begins ?? now) + lifetime).ToUnixTimeSeconds());
        return new SigningRequest(texts.Path, methods, expires, begins, texts.Client, texts.Under);
    }
}

/// <summary>What is to be signed, as texts.</summary>
/// <param name="Path">The path, with its query.</param>
/// <param name="Methods">The methods; none for GET and HEAD.</param>
/// <param name="ValidFor">How long it is good; null for the policy's own time.</param>
/// <param name="NotBefore">When it begins to be good; null for at once.</param>
/// <param name="Client">Who may use it; null for anybody.</param>
/// <param name="Under">Below what it is good for everything; null for the path alone.</param>
internal sealed record SigningTexts(string Path, IReadOnlyList<string> Methods, string? ValidFor = null, string? NotBefore = null, string? Client = null, string? Under = null);
