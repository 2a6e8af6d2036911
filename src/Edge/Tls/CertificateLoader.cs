using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace EdgeCache.Edge.Tls;

/// <summary>Turns two PEM files into a certificate that handshakes can use, or into one sentence that says which file is wrong and why.</summary>
internal static class CertificateLoader
{
    /// <summary>Reads and checks both files.</summary>
    public static bool TryLoad(
        string certificatePath,
        string keyPath,
        TimeProvider time,
        [NotNullWhen(true)] out ServerCertificate? certificate,
        out string error)
    {
        certificate = null;
        var pair = PemPair.TryRead(certificatePath, keyPath, out error);
        return pair is not null && TryParse(pair, certificatePath, keyPath, time, out certificate, out error);
    }

    /// <summary>Checks what was read before. The paths are for the messages.</summary>
    public static bool TryParse(
        PemPair pair,
        string certificatePath,
        string keyPath,
        TimeProvider time,
        [NotNullWhen(true)] out ServerCertificate? certificate,
        out string error)
    {
        certificate = null;
        var chain = new X509Certificate2Collection();
        try
        {
            chain.ImportFromPem(pair.CertificatePem);
        }
        catch (CryptographicException)
        {
            chain.Clear();
        }

        error = ProblemOfChain(chain, certificatePath, time.GetUtcNow()) ?? ProblemOfKey(pair.KeyPem, keyPath) ?? "";
        if (error.Length > 0)
            return false;

        if (WithKey(pair) is not { } leaf)
        {
            error = $"The TLS key file '{keyPath}' does not belong to the first certificate in '{certificatePath}' (the node's own certificate comes first, intermediates after it), or the key is damaged.";
            return false;
        }

        chain.RemoveAt(0);
        certificate = new ServerCertificate(leaf, chain, pair);
        return true;
    }

    private static string? ProblemOfChain(X509Certificate2Collection chain, string path, DateTimeOffset now)
    {
        if (chain.Count == 0)
            return $"The TLS certificate file '{path}' contains no certificate that can be read; it must be PEM (-----BEGIN CERTIFICATE-----).";

        var leaf = chain[0];
        var from = new DateTimeOffset(leaf.NotBefore.ToUniversalTime());
        var until = new DateTimeOffset(leaf.NotAfter.ToUniversalTime());
        if (now < from)
            return $"The TLS certificate in '{path}' ({leaf.Subject}) is not valid before {from:u}.";
        if (now > until)
            return $"The TLS certificate in '{path}' ({leaf.Subject}) expired at {until:u}.";
        return null;
    }

    private static string? ProblemOfKey(string pem, string path)
    {
        if (pem.Contains("-----BEGIN ENCRYPTED PRIVATE KEY-----", StringComparison.Ordinal)
            || pem.Contains("Proc-Type: 4,ENCRYPTED", StringComparison.Ordinal))
        {
            return $"The TLS key in '{path}' is encrypted. A node starts without anybody to type a password: store the key decrypted ('openssl pkey -in … -out …') and readable by the node's user alone.";
        }

        var known = pem.Contains("-----BEGIN PRIVATE KEY-----", StringComparison.Ordinal)
            || pem.Contains("-----BEGIN RSA PRIVATE KEY-----", StringComparison.Ordinal)
            || pem.Contains("-----BEGIN EC PRIVATE KEY-----", StringComparison.Ordinal);
        return known ? null : $"The TLS key file '{path}' contains no private key; it must be PEM with PKCS#8, PKCS#1 (RSA) or SEC 1 (EC).";
    }

    /// <summary>The first certificate joined with the key; null when they are no pair.</summary>
    private static X509Certificate2? WithKey(PemPair pair)
    {
        try
        {
            var leaf = X509Certificate2.CreateFromPem(pair.CertificatePem, pair.KeyPem);
            if (!OperatingSystem.IsWindows())
                return leaf;

            // The TLS of Windows takes no key that lives in memory alone; a trip through PKCS#12 gives it one that it takes.
            using (leaf)
                return X509CertificateLoader.LoadPkcs12(leaf.Export(X509ContentType.Pkcs12), password: null);
        }
        catch (Exception failure) when (failure is CryptographicException or ArgumentException)
        {
            // Its message adds nothing that the caller's does not say, and a key's parser is no place to quote from.
            return null;
        }
    }
}
