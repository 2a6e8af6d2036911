using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using EdgeCache.Client.Signing;
using EdgeCache.Edge.Signing;

namespace EdgeCache.Bench.Signing;

/// <summary>What it costs to look at one signed address, by kind, in this process.</summary>
internal static class Verifying
{
    private const int Rounds = 5;
    private const int Addresses = 16_384;
    private static readonly TimeSpan Time = TimeSpan.FromMilliseconds(500);

    public static void Run(TextWriter output)
    {
        using var rsa = RSA.Create(2048);
        using var ec = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var terms = new SignedUrlTerms("p", "https://cdn.example.com", TimeSpan.FromSeconds(10), TimeSpan.FromHours(1), SignedMethods.Get | SignedMethods.Head);
        var key = new SecretKey("k1", Encoding.ASCII.GetBytes("0123456789abcdef0123456789abcdef"));
        output.WriteLine("| kind | median µs | bytes allocated |");
        output.WriteLine("|---|---|---|");
        Measure(output, "edgecache", new EdgeCacheSignature(terms, [key], key));
        Measure(output, "cloudflare", new CloudflareSignature(terms, [key], key, "verify", urlSafe: false));
        Measure(output, "cloudfront, RSA-2048, SHA-1", CloudFront(terms, rsa, HashAlgorithmName.SHA1));
        Measure(output, "cloudfront, RSA-2048, SHA-256", CloudFront(terms, rsa, HashAlgorithmName.SHA256));
        Measure(output, "cloudfront, EC P-256, SHA-256", CloudFront(terms, ec, HashAlgorithmName.SHA256));
    }

    private static CloudFrontSignature CloudFront(SignedUrlTerms terms, AsymmetricAlgorithm key, HashAlgorithmName hash) =>
        new(terms, [new PublicKeyVerifier("K1", key)], new CloudFrontSigner("K1", key, hash));

    private static void Measure(TextWriter output, string name, SignedUrlPolicy policy)
    {
        const string Path = "/artifacts/sha256-2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae";
        var now = TimeProvider.System.GetUtcNow();

        // Many more addresses than are remembered: each is looked at as if for the first time.
        var requests = Enumerable.Range(0, Addresses).Select(i => $"{Path}-{i}").Select(path =>
            new SignedRequest("GET", policy.Sign(new SigningRequest(path, SignedMethods.Get, now.AddMinutes(30)), now).Url["https://cdn.example.com".Length..], path, IPAddress.Loopback)).ToArray();
        Measure(output, $"{name}, first time", policy, requests, now);
        Measure(output, $"{name}, again", policy, requests[..1], now);
    }

    private static void Measure(TextWriter output, string name, SignedUrlPolicy policy, SignedRequest[] requests, DateTimeOffset now)
    {
        var figures = new List<double>();
        var allocated = 0L;
        for (var round = -1; round < Rounds; round++)
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            var (count, began) = (0, Stopwatch.GetTimestamp());
            for (; Stopwatch.GetElapsedTime(began) < Time; count += 64)
            {
                for (var i = 0; i < 64; i++)
                {
                    if (policy.Verify(requests[(count + i) % requests.Length], now).Fault != SignatureFault.None)
                        throw new InvalidOperationException("A good address was refused: the figures mean nothing.");
                }
            }
            if (round >= 0)
                figures.Add(Stopwatch.GetElapsedTime(began).TotalMicroseconds / count);
            allocated = (GC.GetAllocatedBytesForCurrentThread() - before) / count;
        }
        figures.Sort();
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| {name} | {figures[Rounds / 2]:0.00} | {allocated} |"));
    }
}
