namespace EdgeCache.Edge.Configuration;

/// <summary>What a purge does beyond this node.</summary>
internal sealed class PurgeOptions
{
    /// <summary>The providers that are told of every purge, by names of your choice.</summary>
    public Dictionary<string, PurgeProviderOptions> Providers { get; set; } = new(StringComparer.Ordinal);
}

/// <summary>A CDN in front of this node, whose copies are to go when those here go.</summary>
internal sealed class PurgeProviderOptions
{
    /// <summary><c>cloudfront</c> or <c>cloudflare</c>. Default: none, and there must be one.</summary>
    public string? Kind { get; set; }

    /// <summary>Where its API is. Default: <c>https://cloudfront.amazonaws.com</c> or <c>https://api.cloudflare.com/client/v4</c>.</summary>
    public string? Endpoint { get; set; }

    /// <summary>The distribution (CloudFront) or the zone (Cloudflare). Default: none, and there must be one.</summary>
    public string? Id { get; set; }

    /// <summary>How the addresses begin that its clients use; CloudFront takes its path alone. Default: none, and there must be one.</summary>
    public string? PublicUrl { get; set; }

    /// <summary>The namespaces that it serves. Default: empty, which is all.</summary>
    public List<string> Namespaces { get; set; } = [];

    /// <summary>CloudFront: the access key. Default: none.</summary>
    public string? AccessKey { get; set; }

    /// <summary>CloudFront: the secret key. Default: none. Secret.</summary>
    [Setting(Secret = true)]
    public string? SecretKey { get; set; }

    /// <summary>CloudFront: a file with the secret key in it. Default: none.</summary>
    [Setting(IsPath = true)]
    public string? SecretKeyFile { get; set; }

    /// <summary>Cloudflare: an API token that may purge the zone. Default: none. Secret.</summary>
    [Setting(Secret = true)]
    public string? Token { get; set; }

    /// <summary>Cloudflare: a file with the token in it. Default: none.</summary>
    [Setting(IsPath = true)]
    public string? TokenFile { get; set; }

    /// <summary>Longest wait for an answer, 1 s to 1 min. Default: 10 s.</summary>
    [Setting(Min = "1s", Max = "1m")]
    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(10);
}
