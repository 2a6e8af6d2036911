using System.Buffers.Text;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace EdgeCache.Client.Signing;

/// <summary>
/// EdgeCache's own kind of signature: HMAC-SHA256 over a canonical text (docs/signed-urls.md). Every parameter is in the text, so none can be changed, left out or added; the rest of
/// the query is in it too, where a single path is signed. The one place where the text is made, for those who sign and those who check.
/// </summary>
internal static class OwnSignature
{
    /// <summary>Length of a MAC in base64url without padding, in characters.</summary>
    public const int Length = 43;

    private const string Version = "EdgeCache-Signature-1";

    /// <summary>Makes an address.</summary>
    /// <param name="key">The key.</param>
    /// <param name="publicUrl">What comes before the path, without '/' at its end; may be empty.</param>
    /// <param name="request">What is to be signed; checked by who calls.</param>
    public static string Sign(SecretKey key, string publicUrl, SigningRequest request)
    {
        var fields = new OwnFields
        {
            Key = key.Id,
            Methods = SignedMethodText.Write(request.Methods),
            Expires = Seconds(request.Expires),
            NotBefore = request.NotBefore is { } begins ? Seconds(begins) : "",
            Client = request.Client,
            Prefix = request.Under?.Length.ToString(CultureInfo.InvariantCulture),
        };
        Span<char> mac = stackalloc char[Length];
        Compute(key, publicUrl, fields, request.Under ?? SigningRequest.PathOf(request.Target), request.Under is null ? SigningRequest.QueryOf(request.Target) : default, mac);
        var signed = $"{OwnFields.KeyName}={fields.Key}&{OwnFields.MethodsName}={fields.Methods}&{OwnFields.ExpiresName}={fields.Expires}";
        if (!fields.NotBefore.IsEmpty)
            signed += $"&{OwnFields.NotBeforeName}={fields.NotBefore}";
        if (!fields.Client.IsEmpty)
            signed += $"&{OwnFields.ClientName}={fields.Client}";
        if (fields.HasPrefix)
            signed += $"&{OwnFields.PrefixName}={fields.Prefix}";
        return $"{publicUrl}{request.Target}{(request.Target.Contains('?') ? '&' : '?')}{signed}&{OwnFields.SignatureName}={mac}";
    }

    /// <summary>Whether a signature is the key's. Texts are compared, in constant time: one MAC has one text, where base64 read leniently has four.</summary>
    /// <param name="key">The key.</param>
    /// <param name="publicUrl">What comes before the path.</param>
    /// <param name="fields">The parameters, with the signature.</param>
    /// <param name="path">The path, or as much of it as is covered.</param>
    /// <param name="query">The query, where it is covered.</param>
    public static bool IsOf(SecretKey key, string publicUrl, in OwnFields fields, ReadOnlySpan<char> path, ReadOnlySpan<char> query)
    {
        Span<char> expected = stackalloc char[Length];
        Compute(key, publicUrl, fields, path, query, expected);
        return CryptographicOperations.FixedTimeEquals(MemoryMarshal.AsBytes<char>(expected), MemoryMarshal.AsBytes(fields.Signature));
    }

    private static void Compute(SecretKey key, string publicUrl, in OwnFields fields, ReadOnlySpan<char> path, ReadOnlySpan<char> query, Span<char> signature)
    {
        using var text = new CanonicalText(512 + publicUrl.Length + path.Length + query.Length);
        text.AppendLine(Version);
        text.AppendLine(fields.Key);
        text.AppendLine(fields.Methods);
        text.AppendLine(fields.Expires);
        text.AppendLine(fields.NotBefore);
        text.AppendLine(fields.Client);
        text.AppendLine(fields.Prefix);
        text.Append(publicUrl);
        text.AppendLine(path);
        var any = false;
        foreach (var range in query.Split('&'))
        {
            var parameter = query[range];
            if (query.IsEmpty || OwnFields.IsOne(parameter))
                continue;

            // With a sign in front, so that one empty parameter is not the same as none.
            text.Append(any ? "&" : "?");
            text.Append(parameter);
            any = true;
        }
        Span<byte> mac = stackalloc byte[HMACSHA256.HashSizeInBytes];
        key.Sign(text.Bytes, mac);
        Base64Url.EncodeToChars(mac, signature);
    }

    private static string Seconds(DateTimeOffset time) => time.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture);
}
