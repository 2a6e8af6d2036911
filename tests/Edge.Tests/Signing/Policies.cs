using System.Net;
using System.Security.Cryptography;
using System.Text;
using EdgeCache.Client.Signing;
using EdgeCache.Edge.Signing;

namespace EdgeCache.Edge.Tests.Signing;

/// <summary>Policies of each kind, a time, and requests.</summary>
internal static class Policies
{
    public const string Base = "https://cdn.example.com/builds";

    public static DateTimeOffset Now { get; } = new(2026, 11, 23, 12, 0, 0, TimeSpan.Zero);

    public static RSA Rsa { get; } = RSA.Create(2048);

    public static ECDsa Ec { get; } = ECDsa.Create(ECCurve.NamedCurves.nistP256);

    public static SignedUrlTerms Terms(SignedMethods methods = SignedMethods.Get | SignedMethods.Head, TimeSpan skew = default) => new("p", Base, skew, TimeSpan.FromHours(1), methods);

    public static SecretKey Key(string id, char fill = 'x') => new(id, Encoding.ASCII.GetBytes(new string(fill, 32)));

    public static EdgeCacheSignature Own(SignedMethods methods = SignedMethods.Get | SignedMethods.Head, TimeSpan skew = default) => new(Terms(methods, skew), [Key("k1"), Key("k2", 'y')], Key("k1"));

    public static CloudflareSignature Cloudflare(bool urlSafe = false) => new(Terms(), [Key("k1"), Key("k2", 'y')], Key("k1"), "verify", urlSafe);

    public static CloudFrontSignature CloudFront(AsymmetricAlgorithm? key = null, bool sha256 = false) =>
        new(Terms(), [new PublicKeyVerifier("K1RSA", Rsa), new PublicKeyVerifier("K2EC", Ec)], new CloudFrontSigner(key is ECDsa ? "K2EC" : "K1RSA", key ?? Rsa, sha256 ? HashAlgorithmName.SHA256 : HashAlgorithmName.SHA1));

    public static IEnumerable<(string Name, SignedUrlPolicy Policy)> All() =>
    [
        ("edgecache", Own()),
        ("cloudflare", Cloudflare()),
        ("cloudflare url-safe", Cloudflare(urlSafe: true)),
        ("cloudfront rsa sha1", CloudFront()),
        ("cloudfront rsa sha256", CloudFront(sha256: true)),
        ("cloudfront ec sha1", CloudFront(Ec)),
        ("cloudfront ec sha256", CloudFront(Ec, sha256: true)),
    ];

    public static string Sign(this SignedUrlPolicy policy, string target, SignedMethods methods = SignedMethods.Get, TimeSpan? lifetime = null, DateTimeOffset? notBefore = null, string? client = null, string? under = null)
    {
        var url = policy.Sign(new SigningRequest(target, methods, Now + (lifetime ?? TimeSpan.FromHours(1)), notBefore, client, under), Now).Url;
        url.ShouldStartWith(Base + "/");
        return url[Base.Length..];
    }

    /// <summary>What the policy says of a request for an address below the public one.</summary>
    public static SignatureFault Fault(this SignedUrlPolicy policy, string target, string method = "GET", DateTimeOffset? at = null, string? address = "192.0.2.7", string? path = null) =>
        policy.Verify(Request(target, method, address, path), at ?? Now).Fault;

    public static SignedRequest Request(string target, string method = "GET", string? address = "192.0.2.7", string? path = null) =>
        new(method, target, path ?? Uri.UnescapeDataString(target.Split('?')[0]), address is null ? null : IPAddress.Parse(address));
}
