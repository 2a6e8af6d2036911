using System.Security.Cryptography;

namespace EdgeCache.Edge.Signing;

/// <summary>
/// A public key of CloudFront's kind: RSA with PKCS #1 v1.5, or ECDSA on P-256 with the signature in DER. Nothing says that one key object may be used by several threads, so
/// there are as many as processors, each with a lock. They are left to the garbage collector: a request may still use a policy that a reload has replaced.
/// </summary>
internal sealed class PublicKeyVerifier
{
    private readonly Slot[] _slots;

    public PublicKeyVerifier(string id, AsymmetricAlgorithm key)
    {
        Id = id;
        var info = key.ExportSubjectPublicKeyInfo();
        _slots = [.. Enumerable.Range(0, Environment.ProcessorCount).Select(_ => new Slot(key is RSA ? Import(RSA.Create(), info) : Import(ECDsa.Create(), info)))];
    }

    public string Id { get; }

    /// <summary>Whether the signature is one of this key over the content.</summary>
    public bool Verify(ReadOnlySpan<byte> content, ReadOnlySpan<byte> signature, HashAlgorithmName hash)
    {
        var slot = _slots[Thread.GetCurrentProcessorId() % _slots.Length];
        lock (slot.Lock)
        {
            return slot.Key is RSA rsa
                ? rsa.VerifyData(content, signature, hash, RSASignaturePadding.Pkcs1)
                : ((ECDsa)slot.Key).VerifyData(content, signature, hash, DSASignatureFormat.Rfc3279DerSequence);
        }
    }

    private static AsymmetricAlgorithm Import(AsymmetricAlgorithm key, byte[] info)
    {
        key.ImportSubjectPublicKeyInfo(info, out _);
        return key;
    }

    /// <summary>One key object.</summary>
    private sealed class Slot(AsymmetricAlgorithm key)
    {
        /// <summary>Protects the key; held for one verification. No other lock is taken under it.</summary>
        public Lock Lock { get; } = new();

        public AsymmetricAlgorithm Key => key;
    }
}
