using System.Security.Cryptography;
using EdgeCache.Edge.Tls;

namespace EdgeCache.Edge.Tests.Tls;

public sealed class CertificateLoaderTests
{
    private const string TraditionalEncryptedKey =
        "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00112233445566778899AABBCCDDEEFF\n\nAAAA\n-----END RSA PRIVATE KEY-----\n";

    [Theory]
    [InlineData("RSA PKCS#8")]
    [InlineData("RSA PKCS#1")]
    [InlineData("EC PKCS#8")]
    [InlineData("EC SEC 1")]
    [InlineData("EC SEC 1 after its parameters")]
    public async Task Every_usual_form_of_key_is_taken(string form)
    {
        await using var host = new TlsHost();
        host.Write(form.StartsWith("RSA", StringComparison.Ordinal) ? Rsa(host, form) : Ec(host, form));
        await host.StartAsync();
        (await host.HandshakeAsync()).Thumbprint.ShouldBe(TlsHost.Thumbprint(await File.ReadAllTextAsync(host.Certificate)));
    }

    [Theory]
    [InlineData("no certificate file", "certificate file", "there is no such file")]
    [InlineData("no key file", "key file", "there is no such file")]
    [InlineData("no key configured", "No TLS key file", "is configured")]
    [InlineData("key is a folder", "key file", "can't be read")]
    [InlineData("garbage in certificate", "certificate file", "contains no certificate")]
    [InlineData("garbage in key", "key file", "contains no private key")]
    [InlineData("damaged key", "key file", "damaged")]
    [InlineData("encrypted PKCS#8", "key", "is encrypted")]
    [InlineData("encrypted PKCS#1", "key", "is encrypted")]
    [InlineData("another key", "key file", "does not belong")]
    [InlineData("intermediate first", "key file", "comes first")]
    [InlineData("expired", "certificate", "expired at")]
    [InlineData("huge", "certificate file", "longer than 1 MiB")]
    public async Task A_bad_pair_stops_the_start_and_says_which_file_and_why(string fault, string file, string reason)
    {
        await using var host = new TlsHost();
        host.Write(host.Pki.Issue());
        Break(host, fault);

        var message = (await Should.ThrowAsync<InvalidOperationException>(host.StartAsync)).Message;
        message.ShouldContain(file);
        message.ShouldContain(reason);
        message.ShouldContain(file.Contains("certificate") ? host.Certificate : host.Key);
        CertificateLoader.TryLoad(host.Certificate, host.Key, host.Time, out var certificate, out var error).ShouldBeFalse();
        certificate.ShouldBeNull();
        error.ShouldBe(message);
    }

    private static void Break(TlsHost host, string fault)
    {
        switch (fault)
        {
            case "no certificate file":
                File.Delete(host.Certificate);
                break;
            case "no key file":
                File.Delete(host.Key);
                break;
            case "no key configured":
                host.Key = "";
                break;
            case "key is a folder":
                host.Key = host.Folder;
                break;
            case "garbage in certificate":
                TlsHost.Put(host.Certificate, "not PEM");
                break;
            case "garbage in key":
                TlsHost.Put(host.Key, "not PEM");
                break;
            case "damaged key":
                TlsHost.Put(host.Key, "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n");
                break;
            case "encrypted PKCS#8":
                using (var key = ECDsa.Create(ECCurve.NamedCurves.nistP256))
                    TlsHost.Put(host.Key, key.ExportEncryptedPkcs8PrivateKeyPem("secret", new PbeParameters(PbeEncryptionAlgorithm.Aes256Cbc, HashAlgorithmName.SHA256, 1_000)));
                break;
            case "encrypted PKCS#1":
                TlsHost.Put(host.Key, TraditionalEncryptedKey);
                break;
            case "another key":
                TlsHost.Put(host.Key, host.Pki.Issue().Key);
                break;
            case "intermediate first":
                TlsHost.Put(host.Certificate, host.Pki.IntermediatePem + "\n" + host.Pki.Issue().Certificate);
                break;
            case "expired":
                host.Write(host.Pki.Issue(from: TimeSpan.FromDays(-9), until: TimeSpan.FromDays(-1)));
                break;
            default:
                TlsHost.Put(host.Certificate, new string(' ', 1024 * 1024 + 1));
                break;
        }
    }

    private static (string Certificate, string Key) Rsa(TlsHost host, string form)
    {
        using var key = RSA.Create(2048);
        return (host.Pki.IssueFor(key), form == "RSA PKCS#1" ? key.ExportRSAPrivateKeyPem() : key.ExportPkcs8PrivateKeyPem());
    }

    private static (string Certificate, string Key) Ec(TlsHost host, string form)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var pem = form == "EC PKCS#8" ? key.ExportPkcs8PrivateKeyPem() : key.ExportECPrivateKeyPem();
        // What `openssl ecparam -genkey` writes: the curve in a block of its own.
        const string Parameters = "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n";
        return (host.Pki.IssueFor(key), form.EndsWith("parameters", StringComparison.Ordinal) ? Parameters + pem : pem);
    }
}
