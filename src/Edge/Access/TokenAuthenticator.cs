using System.Buffers;
using System.Security.Cryptography;
using System.Text;
using EdgeCache.Edge.Configuration;
using Microsoft.Extensions.Primitives;

namespace EdgeCache.Edge.Access;

/// <summary>
/// Knows the holder of the access token: sent as a bearer token (RFC 6750) or as the password of basic authentication (RFC 7617), whatever the user name.
/// Digests are compared, in constant time, so that neither content nor length of the token shows in the timing.
/// </summary>
internal sealed class TokenAuthenticator(LiveSettings settings)
{
    private const string BearerScheme = "Bearer ";
    private const string BasicScheme = "Basic ";

    /// <summary>Longest credentials that are looked at, in characters.</summary>
    private const int MaxLength = 8 * 1024;

    // Derived from the settings; replaced as a whole when those are.
    private volatile Expected? _expected;

    /// <summary>The principal, or null when the credentials are missing or wrong.</summary>
    public Principal? Authenticate(StringValues authorization)
    {
        var expected = _expected;
        if (expected is null || !ReferenceEquals(expected.Settings, settings.Current))
            _expected = expected = Expected.Of(settings.Current);
        if (expected.Digest is null)
            return Principal.Anonymous;
        if (authorization is not [{ Length: <= MaxLength } value])
            return null;
        if (value.StartsWith(BearerScheme, StringComparison.OrdinalIgnoreCase))
            return Matches(value.AsSpan(BearerScheme.Length).Trim(' '), expected.Digest);
        if (value.StartsWith(BasicScheme, StringComparison.OrdinalIgnoreCase))
            return MatchesBasic(value.AsSpan(BasicScheme.Length).Trim(' '), expected.Digest);
        return null;
    }

    private static Principal? Matches(ReadOnlySpan<char> token, byte[] expected)
    {
        var bytes = ArrayPool<byte>.Shared.Rent(Encoding.UTF8.GetMaxByteCount(token.Length));
        var length = Encoding.UTF8.GetBytes(token, bytes);
        var principal = MatchesBytes(bytes.AsSpan(0, length), expected);
        ArrayPool<byte>.Shared.Return(bytes, clearArray: true);
        return principal;
    }

    private static Principal? MatchesBasic(ReadOnlySpan<char> encoded, byte[] expected)
    {
        var bytes = ArrayPool<byte>.Shared.Rent(encoded.Length);
        try
        {
            if (!Convert.TryFromBase64Chars(encoded, bytes, out var length))
                return null;
            var colon = bytes.AsSpan(0, length).IndexOf((byte)':');
            return colon < 0 ? null : MatchesBytes(bytes.AsSpan(0, length)[(colon + 1)..], expected);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(bytes, clearArray: true);
        }
    }

    private static Principal? MatchesBytes(ReadOnlySpan<byte> token, byte[] expected)
    {
        Span<byte> digest = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(token, digest);
        return CryptographicOperations.FixedTimeEquals(digest, expected) ? Principal.TokenHolder : null;
    }

    private sealed record Expected(EdgeSettings Settings, byte[]? Digest)
    {
        public static Expected Of(EdgeSettings settings) =>
            new(settings, settings.Token is null ? null : SHA256.HashData(Encoding.UTF8.GetBytes(settings.Token)));
    }
}
