using System.Security.Cryptography;

namespace EdgeCache.Edge.Signing;

/// <summary>A private key of CloudFront's kind. It is asked by a person or a build now and then, so one object and a lock will do.</summary>
internal sealed class CloudFrontSigner(string id, AsymmetricAlgorithm key, HashAlgorithmName hash)
{
    private readonly Lock _lock = new(); // Protects the key; held for one signature.

    public string Id => id;

    public HashAlgorithmName Hash => hash;

    public byte[] Sign(ReadOnlySpan<byte> content)
    {
        lock (_lock)
        {
            return key is RSA rsa
                ? rsa.SignData(content, hash, RSASignaturePadding.Pkcs1)
                : ((ECDsa)key).SignData(content, hash, DSASignatureFormat.Rfc3279DerSequence);
        }
    }
}
