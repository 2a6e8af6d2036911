using System.Text;
using EdgeCache.Client.Signing;
using Microsoft.Extensions.Primitives;

namespace EdgeCache.Edge.Signing;

/// <summary>Takes signatures out of a request that is forwarded: whoever sees one can use it.</summary>
internal static class SignatureTraces
{
    /// <summary>Takes the signature of the request itself out of its query and its cookies; everything else stays as it was.</summary>
    public static void Remove(HttpRequest request, SignedUrlPolicy policy)
    {
        var query = request.QueryString.Value;
        if (!string.IsNullOrEmpty(query))
        {
            var rest = QueryText.Without(query.AsSpan(1), policy.Parameters);
            request.QueryString = rest.Length == 0 ? QueryString.Empty : new QueryString($"?{rest}");
        }
        if (policy.Cookies.Count > 0 && request.Headers.Cookie.Count > 0)
            request.Headers.Cookie = WithoutCookies(request.Headers.Cookie, policy.Cookies) is { Length: > 0 } cookies ? cookies : default;
    }

    /// <summary>A page that was got with a signed address names that address when it asks for what belongs to it, on whatever route that is.</summary>
    public static void RemoveFromReferer(HttpRequest request, IEnumerable<SignedUrlPolicy> policies)
    {
        var referer = request.Headers.Referer.ToString();
        if (!referer.Contains('?'))
            return;
        foreach (var policy in policies)
        {
            if (!QueryText.HasAny(SigningRequest.QueryOf(referer), policy.Parameters))
                continue;
            var rest = QueryText.Without(SigningRequest.QueryOf(referer), policy.Parameters);
            referer = $"{SigningRequest.PathOf(referer)}{(rest.Length == 0 ? "" : "?")}{rest}";
            request.Headers.Referer = referer;
        }
    }

    /// <summary>The field without some cookies (RFC 6265, section 4.2). Names are compared as the framework reads them, whatever their case; what is no cookie stays as it is.</summary>
    private static string WithoutCookies(StringValues field, IReadOnlyList<string> names)
    {
        var rest = new StringBuilder();
        foreach (var line in field)
        {
            foreach (var range in line.AsSpan().Split(';'))
            {
                var cookie = line.AsSpan(range).Trim();
                if (cookie.IsEmpty || IsOneOf(QueryText.NameOf(cookie).Trim(), names))
                    continue;
                if (rest.Length > 0)
                    rest.Append("; ");
                rest.Append(cookie);
            }
        }
        return rest.ToString();
    }

    private static bool IsOneOf(ReadOnlySpan<char> name, IReadOnlyList<string> names)
    {
        for (var i = 0; i < names.Count; i++)
        {
            if (name.Equals(names[i], StringComparison.OrdinalIgnoreCase))
                return true;
        }
        return false;
    }
}
