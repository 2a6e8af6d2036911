using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace EdgeCache.Edge.Tls;

/// <summary>
/// One certificate with its chain and key, ready for handshakes. It is never disposed: a handshake that began a moment before a replacement still
/// uses it, and nothing tells when the last of those is over. The collector frees it after that.
/// </summary>
internal sealed class ServerCertificate
{
    public ServerCertificate(X509Certificate2 leaf, X509Certificate2Collection intermediates, PemPair source)
    {
        Subject = leaf.Subject;
        NotAfter = new DateTimeOffset(leaf.NotAfter.ToUniversalTime());
        Thumbprint = leaf.GetCertHashString(HashAlgorithmName.SHA256);
        Fingerprint = source.Fingerprint;
        KeyIsWorldReadable = source.KeyIsWorldReadable;
        Options = new SslServerAuthenticationOptions
        {
            // Offline: the chain comes out of the file. Going to the network for a missing part would make a start or a reload hang on it.
            ServerCertificateContext = SslStreamCertificateContext.Create(leaf, intermediates, offline: true),
            ApplicationProtocols = [SslApplicationProtocol.Http2, SslApplicationProtocol.Http11],
#pragma warning disable CA5398 // The versions are named on purpose: what a host's policy still allows below 1.2 must not be reachable here.
            EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
#pragma warning restore CA5398
            ClientCertificateRequired = false,
        };
    }

    public string Subject { get; }

    public DateTimeOffset NotAfter { get; }

    /// <summary>SHA-256 of the certificate, as <c>openssl x509 -fingerprint -sha256</c> prints it (without colons).</summary>
    public string Thumbprint { get; }

    /// <summary>What the files contained.</summary>
    public string Fingerprint { get; }

    public bool KeyIsWorldReadable { get; }

    /// <summary>Made once and shared by all handshakes: sessions can only be resumed within the same object.</summary>
    public SslServerAuthenticationOptions Options { get; }
}
