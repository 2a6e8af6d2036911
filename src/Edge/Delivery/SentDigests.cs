using System.Security.Cryptography;

namespace EdgeCache.Edge.Delivery;

/// <summary>Takes the digests of a body as it is sent, and holds them against those that the request gives. The SHA-256 of content that has no coding is the store's business.</summary>
internal sealed class SentDigests : IDisposable
{
    private readonly IncrementalHash? _sha256;
    private readonly IncrementalHash? _sha512;
    private readonly DigestFields _given;

    private SentDigests(DigestFields given, bool isEncoded)
    {
        _given = given;
        if (given.Sha256 is not null && isEncoded)
            _sha256 = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        if (given.Sha512 is not null)
            _sha512 = IncrementalHash.CreateHash(HashAlgorithmName.SHA512);
    }

    /// <summary>Null when there is nothing to check here.</summary>
    public static SentDigests? Begin(DigestFields given, bool isEncoded) => given.Sha512 is not null || (given.Sha256 is not null && isEncoded) ? new SentDigests(given, isEncoded) : null;

    public void Add(ReadOnlySpan<byte> sent)
    {
        _sha256?.AppendData(sent);
        _sha512?.AppendData(sent);
    }

    /// <summary>Null when the digests are those that the request gives, once all has been added; otherwise the sentence to refuse it with. May be asked again.</summary>
    public string? Check()
    {
        if (_sha256 is not null && new Storage.Sha256Digest(_sha256.GetCurrentHash()) != _given.Sha256)
            return "What was sent does not have the SHA-256 that the request gives.";
        return _sha512 is not null && !CryptographicOperations.FixedTimeEquals(_sha512.GetCurrentHash(), _given.Sha512)
            ? "What was sent does not have the SHA-512 that the request gives."
            : null;
    }

    public void Dispose()
    {
        _sha256?.Dispose();
        _sha512?.Dispose();
    }
}
