using System.Text;

namespace EdgeCache.Client.Signing;

/// <summary>
/// Makes signed addresses of EdgeCache's own kind, which a node with the same key accepts without asking anybody (docs/signed-urls.md). Of the other kinds, the providers have signers of
/// their own. Any number of threads may use one.
/// </summary>
public sealed class EdgeCacheUrlSigner
{
    /// <summary>Shortest secret, in characters: as a node has it.</summary>
    public const int MinSecretLength = 32;

    private const int MaxKeyIdLength = 64;

    private readonly SecretKey _key;
    private readonly string _publicUrl;
    private readonly TimeProvider _time;

    /// <summary>Takes a key that the node has too.</summary>
    /// <param name="keyId">The key's name in the node's <c>EdgeCache:SignedUrls:{policy}:Keys</c>: 1 to 64 characters of A-Z, a-z, 0-9, '-' and '_'.</param>
    /// <param name="secret">The secret, at least 32 characters; white space around it is left out, as from a file.</param>
    /// <param name="publicUrl">
    /// The policy's <c>PublicUrl</c>: how addresses begin, such as <c>https://cache.example.com</c>. Empty where the policy has none; addresses begin with their path then. Default: empty.
    /// </param>
    /// <param name="time">The clock, which says what is over already. Default: the system's.</param>
    /// <exception cref="ArgumentException">One of them is not as said.</exception>
    public EdgeCacheUrlSigner(string keyId, string secret, string publicUrl = "", TimeProvider? time = null)
    {
        ArgumentNullException.ThrowIfNull(keyId);
        ArgumentNullException.ThrowIfNull(secret);
        ArgumentNullException.ThrowIfNull(publicUrl);
        if (keyId.Length is 0 or > MaxKeyIdLength || !keyId.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_'))
            throw new ArgumentException("A key's name has 1 to 64 characters of A-Z, a-z, 0-9, '-' and '_'.", nameof(keyId));
        if (secret.Trim() is not { Length: >= MinSecretLength } trimmed)
            throw new ArgumentException("A secret has at least 32 characters.", nameof(secret));
        if (publicUrl.Length > 0 && !(Uri.TryCreate(publicUrl, UriKind.Absolute, out var uri) && uri is { Scheme: "http" or "https", Query: "", Fragment: "", UserInfo: "" }))
            throw new ArgumentException("It must begin with http:// or https:// and a host, perhaps with a path; no query.", nameof(publicUrl));
        _key = new SecretKey(keyId, Encoding.UTF8.GetBytes(trimmed));
        _publicUrl = publicUrl.TrimEnd('/');
        _time = time ?? TimeProvider.System;
    }

    /// <summary>Makes an address that is good until its time is over: there is no way to take it back but to remove the key.</summary>
    /// <param name="request">What is to be signed.</param>
    /// <returns>The address, from the public URL on.</returns>
    /// <exception cref="SigningException">It can't be signed; the message says why.</exception>
    public string Sign(SigningRequest request)
    {
        ArgumentNullException.ThrowIfNull(request);
        request.Check(OwnFields.Names, _time.GetUtcNow());
        return OwnSignature.Sign(_key, _publicUrl, request);
    }
}
