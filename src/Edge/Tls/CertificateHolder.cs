namespace EdgeCache.Edge.Tls;

/// <summary>The certificate that handshakes get from now on. Replaced in one step: a handshake sees the old one or the new one, never parts of both.</summary>
internal sealed class CertificateHolder
{
    private volatile ServerCertificate? _current;

    /// <summary>Null before the first load.</summary>
    public ServerCertificate? Current => _current;

    public void Publish(ServerCertificate certificate) => _current = certificate;
}
