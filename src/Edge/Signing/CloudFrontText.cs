using System.Globalization;
using System.Text;
using System.Text.Json;
using EdgeCache.Client.Signing;

namespace EdgeCache.Edge.Signing;

/// <summary>How CloudFront writes policies and signatures into an address.</summary>
internal static class CloudFrontText
{
    public const string Sha1 = "SHA1";
    public const string Sha256 = "SHA256";

    /// <summary>The policy that is not sent, because everybody can write it down: no white space, the parts in this order.</summary>
    public static string Canned(string url, DateTimeOffset expires) =>
        string.Create(CultureInfo.InvariantCulture, $"{{\"Statement\":[{{\"Resource\":\"{url}\",\"Condition\":{{\"DateLessThan\":{{\"AWS:EpochTime\":{expires.ToUnixTimeSeconds()}}}}}}}]}}");

    public static string Custom(string resource, SigningRequest request)
    {
        var text = new StringBuilder("{\"Statement\":[{\"Resource\":\"").Append(JsonEncodedText.Encode(resource, System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping))
            .Append(CultureInfo.InvariantCulture, $"\",\"Condition\":{{\"DateLessThan\":{{\"AWS:EpochTime\":{request.Expires.ToUnixTimeSeconds()}}}");
        if (request.NotBefore is { } begins)
            text.Append(CultureInfo.InvariantCulture, $",\"DateGreaterThan\":{{\"AWS:EpochTime\":{begins.ToUnixTimeSeconds()}}}");
        if (request.Client is { } client)
            text.Append(CultureInfo.InvariantCulture, $",\"IpAddress\":{{\"AWS:SourceIp\":\"{client}\"}}");
        return text.Append("}}]}").ToString();
    }

    public static string Encode(ReadOnlySpan<byte> bytes) => Convert.ToBase64String(bytes).Replace('+', '-').Replace('=', '_').Replace('/', '~');

    /// <summary>Null for anything but the one text that the bytes have: the last character of base64 has bits that say nothing, and they must be zero.</summary>
    public static byte[]? Decode(string text)
    {
        if (text.AsSpan().ContainsAny('+', '=', '/') || text.AsSpan().IndexOfAnyExceptInRange('!', '~') >= 0)
            return null;
        var bytes = new byte[text.Length];
        return Convert.TryFromBase64String(text.Replace('-', '+').Replace('_', '=').Replace('~', '/'), bytes, out var length) && Encode(bytes.AsSpan(0, length)) == text
            ? bytes[..length]
            : null;
    }
}
