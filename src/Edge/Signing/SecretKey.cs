using System.Security.Cryptography;

namespace EdgeCache.Edge.Signing;

/// <summary>A key that both sides know, for HMAC-SHA256 (RFC 2104). What it is never leaves it.</summary>
internal sealed class SecretKey(string id, byte[] secret)
{
    public string Id => id;

    public void Sign(ReadOnlySpan<byte> content, Span<byte> mac) => HMACSHA256.HashData(secret, content, mac);
}
