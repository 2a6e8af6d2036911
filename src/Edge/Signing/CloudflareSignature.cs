using System.Buffers.Text;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using EdgeCache.Client.Signing;

namespace EdgeCache.Edge.Signing;

/// <summary>
/// Cloudflare's token authentication, as its rules' <c>is_timed_hmac_valid_v0</c> has it: the last parameter of the query is the time of issue, '-', and the base64 of the
/// HMAC-SHA256 over path, the query before it, and that time. Good for <see cref="SignedUrlTerms.Lifetime"/> from the time of issue on.
/// </summary>
/// <param name="terms">What every policy has.</param>
/// <param name="keys">The keys; a token does not say which one it is of, so all are tried.</param>
/// <param name="signer">The one that signs.</param>
/// <param name="parameter">The name of the parameter.</param>
/// <param name="urlSafe">Whether the MAC is in base64url without padding (the flag "s"); otherwise it is base64, percent-encoded.</param>
internal sealed class CloudflareSignature(SignedUrlTerms terms, IReadOnlyList<SecretKey> keys, SecretKey signer, string parameter, bool urlSafe) : SignedUrlPolicy(terms)
{
    /// <summary>Digits of a time of issue: from 2001 to 2286.</summary>
    private const int TimeLength = 10;

    private const int MacLength = HMACSHA256.HashSizeInBytes;

    /// <summary>Longest percent-encoded base64 of a MAC: each character encoded.</summary>
    private const int MaxTextLength = 44 * 3;

    private readonly string[] _names = [parameter];

    public override IReadOnlyList<string> Parameters => _names;

    protected override SignatureFault Read(in SignedRequest request, out SignedStatement statement)
    {
        statement = null!;
        if (QueryText.Find(request.RawQuery, parameter, out var token) != 1)
            return SignatureFault.Malformed;

        // The token is the end of the address, or the part behind it would be covered by nothing.
        var separator = request.Target.Length - token.Length - parameter.Length - 2;
        if (!request.Target.AsSpan().EndsWith(token, StringComparison.Ordinal) || request.Target[separator] is not ('?' or '&') || token.Length <= TimeLength + 1 || token[TimeLength] != '-')
            return SignatureFault.Malformed;
        var time = token[..TimeLength];
        if (!TryReadSeconds(time, out var issued) || token.Length - TimeLength - 1 > MaxTextLength)
            return SignatureFault.Malformed;
        if (FindKey(request.Target.AsSpan(0, separator), time, token[(TimeLength + 1)..]) is not { } key)
            return SignatureFault.WrongSignature;
        statement = new SignedStatement(new SignatureGrant(Name, key.Id, Terms.Methods, issued + Terms.Lifetime, isForAnybody: true), issued, null);
        return SignatureFault.None;
    }

    protected override SignedLink SignPlain(SigningRequest request, DateTimeOffset now)
    {
        if (request.Under is not null || request.Client is not null)
            throw new SigningException("Cloudflare's tokens are good for one path, and for every client.");
        if ((request.Methods & ~Terms.Methods) != SignedMethods.None)
            throw new SigningException($"Cloudflare's tokens are good for what the policy says: {SignedMethodText.Write(Terms.Methods)}.");

        // A token says when it was issued; when its time is over is the policy's. For another end it is issued for another time.
        var issued = request.Expires - Terms.Lifetime;
        if (IsAhead(issued, now))
            throw new SigningException("Cloudflare's tokens are good for no longer than the policy's Lifetime.");
        if (request.NotBefore is { } begins && begins > issued)
            throw new SigningException("Cloudflare's tokens are good at once.");
        var time = Seconds(issued);
        if (time.Length != TimeLength)
            throw new SigningException("Cloudflare's tokens have times of ten digits.");
        Span<byte> mac = stackalloc byte[MacLength];
        Compute(signer, request.Target, time, mac);
        var text = urlSafe ? Base64Url.EncodeToString(mac) : Uri.EscapeDataString(Convert.ToBase64String(mac));
        return new SignedLink($"{Terms.PublicUrl}{request.Target}{(request.Target.Contains('?') ? '&' : '?')}{parameter}={time}-{text}", DateTimeOffset.FromUnixTimeSeconds(issued.ToUnixTimeSeconds()) + Terms.Lifetime, []);
    }

    private SecretKey? FindKey(ReadOnlySpan<char> message, ReadOnlySpan<char> time, ReadOnlySpan<char> sent)
    {
        Span<char> given = stackalloc char[MaxTextLength];
        if (!TryDecode(sent, given, out var length))
            return null;
        Span<byte> mac = stackalloc byte[MacLength];
        Span<char> expected = stackalloc char[44];
        foreach (var key in keys)
        {
            Compute(key, message, time, mac);
            var written = 43;
            if (urlSafe)
                Base64Url.EncodeToChars(mac, expected);
            else
                Convert.TryToBase64Chars(mac, expected, out written);
            if (CryptographicOperations.FixedTimeEquals(MemoryMarshal.AsBytes(expected[..written]), MemoryMarshal.AsBytes(given[..length])))
                return key;
        }
        return null;
    }

    private static void Compute(SecretKey key, ReadOnlySpan<char> message, ReadOnlySpan<char> time, Span<byte> mac)
    {
        using var text = new CanonicalText((message.Length * 3) + 64);
        text.Append(message);
        text.Append(time);
        key.Sign(text.Bytes, mac);
    }

    /// <summary>Takes back the percent-encoding of the three characters of base64 that may need it, written as every encoder does. Nothing else is a token.</summary>
    private bool TryDecode(ReadOnlySpan<char> sent, Span<char> text, out int length)
    {
        length = 0;
        for (var i = 0; i < sent.Length; i++)
        {
            var character = sent[i];
            if (character == '%')
            {
                if (urlSafe || sent.Length - i < 3)
                    return false;
                character = sent.Slice(i, 3) switch { "%2B" => '+', "%2F" => '/', "%3D" => '=', _ => '%' };
                if (character == '%')
                    return false;
                i += 2;
            }
            text[length++] = character;
        }
        return true;
    }
}
