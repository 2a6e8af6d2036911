using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace EdgeCache.Edge.Purging;

/// <summary>
/// Signs a call to AWS: Signature Version 4, for a body that is at hand, a path without anything to encode, and no query. The AWS SDK would do it, but its signer is only
/// reached through a client for each service, and the one for CloudFront would be all that this program needs of it.
/// </summary>
internal static class AwsSignature
{
    private const string Algorithm = "AWS4-HMAC-SHA256";

    /// <summary>Adds the fields that authorize a call.</summary>
    /// <param name="request">The call; its host, path and headers are final.</param>
    /// <param name="body">Its body.</param>
    /// <param name="service">The service, such as <c>cloudfront</c>.</param>
    /// <param name="region">The region.</param>
    /// <param name="keys">Access key and secret key.</param>
    /// <param name="now">The time.</param>
    public static void Add(HttpRequestMessage request, ReadOnlySpan<byte> body, string service, string region, (string AccessKey, string SecretKey) keys, DateTimeOffset now)
    {
        var time = now.UtcDateTime.ToString("yyyyMMdd'T'HHmmss'Z'", CultureInfo.InvariantCulture);
        request.Headers.TryAddWithoutValidation("X-Amz-Date", time);
        var uri = request.RequestUri!;
        var fields = new SortedDictionary<string, string>(StringComparer.Ordinal) { ["host"] = uri.IsDefaultPort ? uri.Host : $"{uri.Host}:{uri.Port}" };
        foreach (var (name, values) in request.Headers)
            fields[name.ToLowerInvariant()] = string.Join(',', values.Select(v => v.Trim()));
        var names = string.Join(';', fields.Keys);
        var canonical = new StringBuilder().Append(request.Method.Method).Append('\n').Append(uri.AbsolutePath).Append("\n\n");
        foreach (var (name, value) in fields)
            canonical.Append(name).Append(':').Append(value).Append('\n');
        canonical.Append('\n').Append(names).Append('\n').Append(Convert.ToHexStringLower(SHA256.HashData(body)));
        var scope = $"{time[..8]}/{region}/{service}/aws4_request";
        var text = $"{Algorithm}\n{time}\n{scope}\n{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(canonical.ToString())))}";
        var key = Encoding.UTF8.GetBytes($"AWS4{keys.SecretKey}");
        foreach (var part in (string[])[time[..8], region, service, "aws4_request", text])
            key = HMACSHA256.HashData(key, Encoding.UTF8.GetBytes(part));
        request.Headers.TryAddWithoutValidation("Authorization", $"{Algorithm} Credential={keys.AccessKey}/{scope}, SignedHeaders={names}, Signature={Convert.ToHexStringLower(key)}");
    }
}
