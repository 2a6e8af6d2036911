using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace EdgeCache.Edge.Tests.Tls;

/// <summary>A root, an intermediate below it, and as many certificates for <c>localhost</c> as a test wants.</summary>
internal sealed class TestPki
{
    private readonly X509Certificate2 _intermediate;
    private readonly DateTimeOffset _now;
    private long _serial = 1;

    public TestPki(DateTimeOffset now)
    {
        _now = now;
        using var rootKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        Root = Authority("CN=Test Root", rootKey).CreateSelfSigned(now.AddYears(-1), now.AddYears(9));

        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var signed = Authority("CN=Test Intermediate", key).Create(Root, now.AddDays(-300), now.AddYears(5), Serial());
        _intermediate = signed.CopyWithPrivateKey(key);
    }

    public X509Certificate2 Root { get; }

    public string IntermediatePem => _intermediate.ExportCertificatePem();

    /// <summary>A certificate with the intermediate after it, and its key.</summary>
    public (string Certificate, string Key) Issue(string name = "CN=localhost", TimeSpan? from = null, TimeSpan? until = null)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest(name, key, HashAlgorithmName.SHA256);
        return (Sign(request, from, until), key.ExportPkcs8PrivateKeyPem());
    }

    /// <summary>The same with an RSA key, which the caller writes in the form it wants.</summary>
    public string IssueFor(AsymmetricAlgorithm key) => Sign(
        key switch
        {
            RSA rsa => new CertificateRequest("CN=localhost", rsa, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1),
            ECDsa ec => new CertificateRequest("CN=localhost", ec, HashAlgorithmName.SHA256),
            _ => throw new NotSupportedException(),
        },
        from: null,
        until: null);

    private string Sign(CertificateRequest request, TimeSpan? from, TimeSpan? until)
    {
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("localhost");
        names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.1")], critical: false));
        var generator = X509SignatureGenerator.CreateForECDsa(_intermediate.GetECDsaPrivateKey()!);
        using var leaf = request.Create(_intermediate.SubjectName, generator, _now + (from ?? TimeSpan.FromDays(-1)), _now + (until ?? TimeSpan.FromDays(90)), Serial());
        return leaf.ExportCertificatePem() + "\n" + IntermediatePem + "\n";
    }

    private static CertificateRequest Authority(string name, ECDsa key)
    {
        var request = new CertificateRequest(name, key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, hasPathLengthConstraint: false, 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign, critical: true));
        return request;
    }

    private byte[] Serial() => BitConverter.GetBytes(Interlocked.Increment(ref _serial));
}
