using System.Globalization;
using System.Security;
using System.Text;

namespace EdgeCache.Edge.Purging;

/// <summary>CloudFront's invalidations (API of 2020-05-31). It knows no tags: what had one is named by its address.</summary>
internal static class CloudFrontCalls
{
    /// <summary>Addresses of one call. CloudFront takes 3000 that are not done yet at once, and 15 with a wildcard.</summary>
    private const int MaxPaths = 1000;

    public static IEnumerable<OutwardCall> Of(OutwardProvider provider, OutwardTargets targets, string id)
    {
        // Of what keys are made of, '~' alone is encoded: CloudFront wants what RFC 1738 calls unsafe to be, and nothing else.
        IEnumerable<string> named = targets.Prefix is { } prefix ? [$"{prefix}*"] : targets.Paths;
        var paths = named.Select(p => provider.BasePath + p.Replace("~", "%7E", StringComparison.Ordinal));
        var number = 0;
        foreach (var batch in paths.Chunk(MaxPaths))
            yield return Call(provider, batch, string.Create(CultureInfo.InvariantCulture, $"edgecache-{id}-{number++}"));
    }

    /// <summary>One call.</summary>
    /// <param name="provider">The distribution.</param>
    /// <param name="paths">What is to go.</param>
    /// <param name="reference">Names the call: CloudFront does nothing twice that has the same one, so it may be repeated.</param>
    private static OutwardCall Call(OutwardProvider provider, string[] paths, string reference)
    {
        var text = new StringBuilder("<InvalidationBatch xmlns=\"http://cloudfront.amazonaws.com/doc/2020-05-31/\"><Paths>")
            .Append(CultureInfo.InvariantCulture, $"<Quantity>{paths.Length}</Quantity><Items>");
        foreach (var path in paths)
            text.Append("<Path>").Append(SecurityElement.Escape(path)).Append("</Path>");
        text.Append("</Items></Paths><CallerReference>").Append(reference).Append("</CallerReference></InvalidationBatch>");
        var body = Encoding.UTF8.GetBytes(text.ToString());
        return new OutwardCall(
            new Uri($"{provider.Endpoint.AbsoluteUri.TrimEnd('/')}/2020-05-31/distribution/{provider.Id}/invalidation"),
            body,
            "text/xml",
            (request, now) => AwsSignature.Add(request, body, "cloudfront", "us-east-1", (provider.AccessKey, provider.Secret), now));
    }
}
