using System.Security.Cryptography;
using System.Text;

namespace EdgeCache.Edge.Tls;

/// <summary>The content of both files at one moment, with a fingerprint of it.</summary>
/// <param name="CertificatePem">Text of the certificate file.</param>
/// <param name="KeyPem">Text of the key file.</param>
/// <param name="KeyIsWorldReadable">Whether every user of the machine may read the key file.</param>
/// <param name="Fingerprint">Differs as soon as one byte of one file differs.</param>
internal sealed record PemPair(string CertificatePem, string KeyPem, bool KeyIsWorldReadable, string Fingerprint)
{
    /// <summary>A chain of a dozen certificates is a tenth of this; anything longer is the wrong file.</summary>
    private const int MaxFileBytes = 1024 * 1024;

    public static PemPair? TryRead(string certificatePath, string keyPath, out string error)
    {
        if (TryReadFile("certificate", certificatePath, out var certificate, out _, out error)
            && TryReadFile("key", keyPath, out var key, out var worldReadable, out error))
        {
            var fingerprint = Convert.ToHexString(SHA256.HashData(certificate)) + Convert.ToHexString(SHA256.HashData(key));
            return new PemPair(Encoding.UTF8.GetString(certificate), Encoding.UTF8.GetString(key), worldReadable, fingerprint);
        }

        return null;
    }

    // Length, mode and content are asked of the opened file and not of the path: a path may be a symbolic link, and may lead elsewhere a moment later.
    private static bool TryReadFile(string what, string path, out byte[] content, out bool worldReadable, out string error)
    {
        content = [];
        worldReadable = false;
        error = path.Length == 0 ? $"No TLS {what} file is configured, but the other file of the pair is." : "";
        if (error.Length > 0)
            return false;

        try
        {
            using var handle = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            var length = RandomAccess.GetLength(handle);
            if (length is 0 or > MaxFileBytes)
            {
                error = length == 0 ? $"The TLS {what} file '{path}' is empty." : $"The TLS {what} file '{path}' is longer than 1 MiB, so it is no PEM file.";
                return false;
            }

            content = new byte[length];
            var read = RandomAccess.Read(handle, content, fileOffset: 0);
            Array.Resize(ref content, read);
            worldReadable = !OperatingSystem.IsWindows() && File.GetUnixFileMode(handle).HasFlag(UnixFileMode.OtherRead);
            return true;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            var reason = failure switch
            {
                FileNotFoundException or DirectoryNotFoundException => "there is no such file",
                UnauthorizedAccessException => "access is denied",
                _ => failure.Message,
            };
            error = $"The TLS {what} file '{path}' can't be read: {reason}.";
            return false;
        }
    }
}
