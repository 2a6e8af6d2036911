using System.Collections.Frozen;
using System.Security.Cryptography;
using System.Text;
using EdgeCache.Client.Signing;

namespace EdgeCache.Edge.Signing;

/// <summary>
/// CloudFront's signed URLs and signed cookies: a canned policy (an address and an end) or a custom one (with wildcards, a beginning, a client), signed with RSA or ECDSA, over
/// SHA-1 or, where <c>Hash-Algorithm</c> says so, SHA-256. What is signed is the address that clients use, so the policy has to know how it begins.
/// </summary>
internal sealed class CloudFrontSignature(SignedUrlTerms terms, IReadOnlyList<PublicKeyVerifier> keys, CloudFrontSigner? signer) : SignedUrlPolicy(terms)
{
    private const string CookiePrefix = "CloudFront-";
    private const string ExpiresName = "Expires";
    private const string PolicyName = "Policy";
    private const string SignatureName = "Signature";
    private const string KeyName = "Key-Pair-Id";
    private const string HashName = "Hash-Algorithm";

    /// <summary>Longest custom policy, in characters of base64.</summary>
    private const int MaxPolicyLength = 4 * 1024;

    /// <summary>Longest signature, in characters of base64: RSA with 8192 bits.</summary>
    private const int MaxSignatureLength = 1368;

    private static readonly string[] Names = [ExpiresName, PolicyName, SignatureName, KeyName, HashName];

    private static readonly string[] CookieNames = [.. Names.Select(n => CookiePrefix + n)];

    private readonly FrozenDictionary<string, PublicKeyVerifier> _keys = keys.ToFrozenDictionary(k => k.Id, StringComparer.Ordinal);

    public override IReadOnlyList<string> Parameters => Names;

    public override IReadOnlyList<string> Cookies => CookieNames;

    public override bool IsSigned(in SignedRequest request) => base.IsSigned(request) || request.Cookie?.Invoke(CookiePrefix + SignatureName) is not null;

    protected override SignatureFault Read(in SignedRequest request, out SignedStatement statement)
    {
        statement = null!;

        // As CloudFront has it: parameters win over cookies.
        var inQuery = base.IsSigned(request);
        if (!TryRead(request, inQuery, out var parts))
            return SignatureFault.Malformed;
        if (!_keys.TryGetValue(parts.Key, out var key))
            return SignatureFault.UnknownKey;
        var rest = QueryText.Without(request.RawQuery, Names);
        var hasRest = inQuery ? HasMore(request.RawQuery) : request.Target.Contains('?');
        var url = $"{Terms.PublicUrl}{request.RawPath}{(hasRest ? "?" : "")}{rest}";
        CloudFrontStatement? said;
        if (parts.Policy is { } text)
        {
            if (CloudFrontText.Decode(text) is not { } content || !key.Verify(content, parts.Signature, parts.Hash))
                return SignatureFault.WrongSignature;
            said = CloudFrontStatement.TryRead(content);
        }
        else
        {
            // The address goes into JSON as it is; one that would end the text there is none.
            if (!TryReadSeconds(parts.Expires, out var expires) || url.AsSpan().ContainsAny('"', '\\'))
                return SignatureFault.Malformed;
            if (!key.Verify(Encoding.UTF8.GetBytes(CloudFrontText.Canned(url, expires)), parts.Signature, parts.Hash))
                return SignatureFault.WrongSignature;
            said = new CloudFrontStatement(url, expires, null, null);
        }
        if (said is null)
            return SignatureFault.Malformed;
        if (parts.Policy is not null && !said.Covers(url))
            return SignatureFault.WrongPath;

        // What is in cookies is not in the address, so nobody may be told to keep it.
        var grant = new SignatureGrant(Name, key.Id, Terms.Methods, said.Expires, inQuery && said.Client is null);
        statement = new SignedStatement(grant, said.NotBefore, said.Client, inQuery);
        return SignatureFault.None;
    }

    protected override SignedLink SignPlain(SigningRequest request, DateTimeOffset now)
    {
        if (signer is null)
            throw new SigningException("None of the policy's keys has a private key: it can check signatures, not make them.");
        if ((request.Methods & ~Terms.Methods) != SignedMethods.None)
            throw new SigningException($"CloudFront's signatures are good for what the policy says: {SignedMethodText.Write(Terms.Methods)}.");
        if (request.Target.Contains('*'))
            throw new SigningException("An address with '*' can't be signed for CloudFront: in a policy it stands for other characters.");
        var url = Terms.PublicUrl + request.Target;
        List<KeyValuePair<string, string>> parts = [];
        string content;
        if (request.NotBefore is null && request.Client is null && request.Under is null)
        {
            content = CloudFrontText.Canned(url, request.Expires);
            parts.Add(new(ExpiresName, Seconds(request.Expires)));
        }
        else
        {
            // What stands in a resource for other characters is left to those who write their own policy.
            if (request.Target.Contains('?'))
                throw new SigningException("A custom policy can't be made here for an address with '?': it stands for another character there.");
            content = CloudFrontText.Custom(request.Under is { } under ? $"{Terms.PublicUrl}{under}*" : url, request);
            parts.Add(new(PolicyName, CloudFrontText.Encode(Encoding.UTF8.GetBytes(content))));
        }
        parts.Add(new(SignatureName, CloudFrontText.Encode(signer.Sign(Encoding.UTF8.GetBytes(content)))));
        parts.Add(new(KeyName, signer.Id));
        if (signer.Hash == HashAlgorithmName.SHA256)
            parts.Add(new(HashName, CloudFrontText.Sha256));
        var query = string.Join('&', parts.Select(p => $"{p.Key}={p.Value}"));
        var link = $"{url}{(url.Contains('?') ? '&' : '?')}{query}";
        return new SignedLink(link, request.Expires, [.. parts.Select(p => new KeyValuePair<string, string>(CookiePrefix + p.Key, p.Value))]);
    }

    /// <summary>Whether there is anything in the query besides the signature, be it an empty parameter.</summary>
    private static bool HasMore(ReadOnlySpan<char> query)
    {
        foreach (var range in query.Split('&'))
        {
            if (!QueryText.IsOneOf(QueryText.NameOf(query[range]), Names))
                return true;
        }
        return false;
    }

    private static bool TryRead(in SignedRequest request, bool inQuery, out Parts parts)
    {
        parts = default;
        if (Read(request, inQuery, SignatureName) is not { Length: > 0 and <= MaxSignatureLength } signature || CloudFrontText.Decode(signature) is not { } bytes)
            return false;
        if (Read(request, inQuery, KeyName) is not { Length: > 0 } key)
            return false;
        var (policy, expires, hash) = (Read(request, inQuery, PolicyName), Read(request, inQuery, ExpiresName), Read(request, inQuery, HashName));
        if (policy is null == expires is null || policy is { Length: 0 or > MaxPolicyLength })
            return false;
        if (hash is not (null or CloudFrontText.Sha1 or CloudFrontText.Sha256))
            return false;
        parts = new Parts(key, bytes, hash == CloudFrontText.Sha256 ? HashAlgorithmName.SHA256 : HashAlgorithmName.SHA1, policy, expires);
        return true;
    }

    /// <summary>Null where it is not there; empty where it is there twice, which no part may be.</summary>
    private static string? Read(in SignedRequest request, bool inQuery, string name)
    {
        if (!inQuery)
            return request.Cookie?.Invoke(CookiePrefix + name);
        return QueryText.Find(request.RawQuery, name, out var value) switch
        {
            0 => null,
            1 => value.ToString(),
            _ => "",
        };
    }

    private readonly record struct Parts(string Key, byte[] Signature, HashAlgorithmName Hash, string? Policy, string? Expires);
}
