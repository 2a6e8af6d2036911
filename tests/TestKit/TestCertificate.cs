using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace EdgeCache.TestKit;

/// <summary>A self-signed certificate for loopback, as the two PEM files that a node is given.</summary>
public sealed class TestCertificate
{
    private TestCertificate(string certificatePem, string keyPem, string serial)
    {
        CertificatePem = certificatePem;
        KeyPem = keyPem;
        Serial = serial;
    }

    public string CertificatePem { get; }

    public string KeyPem { get; }

    /// <summary>In hexadecimal, as clients show it.</summary>
    public string Serial { get; }

    public static TestCertificate Create()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("localhost");
        names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, hasPathLengthConstraint: false, pathLengthConstraint: 0, critical: true));
        var now = TimeProvider.System.GetUtcNow();
        using var certificate = request.CreateSelfSigned(now.AddDays(-1), now.AddDays(1));
        return new TestCertificate(certificate.ExportCertificatePem(), key.ExportPkcs8PrivateKeyPem(), certificate.SerialNumber);
    }

    /// <summary>Replaces both files one after the other, each in one step, as renewal tools do.</summary>
    public async Task WriteAsync(string certificatePath, string keyPath)
    {
        await ReplaceAsync(certificatePath, CertificatePem);
        await ReplaceAsync(keyPath, KeyPem);
    }

    private static async Task ReplaceAsync(string path, string text)
    {
        await File.WriteAllTextAsync($"{path}.new", text);
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode($"{path}.new", UnixFileMode.UserRead | UnixFileMode.UserWrite);
        File.Move($"{path}.new", path, overwrite: true);
    }
}
