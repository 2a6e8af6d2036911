namespace EdgeCache.Edge.Configuration;

/// <summary>One way of signing addresses.</summary>
internal sealed class SignedUrlOptions
{
    /// <summary>Whose addresses they are: <c>edgecache</c>, <c>cloudfront</c> or <c>cloudflare</c>. Default: edgecache.</summary>
    public string Kind { get; set; } = "edgecache";

    /// <summary>
    /// How the addresses begin that clients use: scheme, host, and the path before the node's own, such as <c>https://d111111abcdef8.cloudfront.net</c>. Signatures cover it
    /// (<c>cloudflare</c>: its path alone). Default: none, so signatures cover the path alone; <c>cloudfront</c> needs it.
    /// </summary>
    public string? PublicUrl { get; set; }

    /// <summary>The keys, by their names (CloudFront: the key pair IDs). Signatures of any of them are good.</summary>
    public Dictionary<string, SignedUrlKeyOptions> Keys { get; set; } = new(StringComparer.Ordinal);

    /// <summary>The key that this node signs with. Default: the only one that can.</summary>
    public string? SignWith { get; set; }

    /// <summary>By how much clocks may differ, 0 s to 10 min. Default: 10 s.</summary>
    [Setting(Min = "0s", Max = "10m")]
    public TimeSpan ClockSkew { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>How long an address is good where nobody says it, 1 s to 3650 days; <c>cloudflare</c>: how long every token is good. Default: 1 h.</summary>
    [Setting(Min = "1s", Max = "3650d")]
    public TimeSpan Lifetime { get; set; } = TimeSpan.FromHours(1);

    /// <summary>What signatures may be good for at most. Default: GET, HEAD.</summary>
    public List<string> Methods { get; set; } = ["GET", "HEAD"];

    /// <summary>The hash that this node signs with for <c>cloudfront</c>: <c>sha1</c> or <c>sha256</c>. Both are good in what it gets. Default: sha1, as CloudFront's own.</summary>
    public string Hash { get; set; } = "sha1";

    /// <summary>The query's parameter for <c>cloudflare</c>. Default: verify.</summary>
    public string Parameter { get; set; } = "verify";

    /// <summary>Whether <c>cloudflare</c> tokens are in base64url without padding: the flag <c>s</c> of Cloudflare's rule. Default: no.</summary>
    public bool UrlSafe { get; set; }
}

/// <summary>One key. CloudFront has a pair, the others a secret.</summary>
internal sealed class SignedUrlKeyOptions
{
    /// <summary>The secret; its UTF-8 bytes are the key. <c>edgecache</c>: at least 32 characters. Default: none. Secret.</summary>
    [Setting(Secret = true)]
    public string? Secret { get; set; }

    /// <summary>A file with the secret in it, white space around it left out. Default: none.</summary>
    [Setting(IsPath = true)]
    public string? SecretFile { get; set; }

    /// <summary>A PEM file with the public key: RSA with 2048 bits or more, or EC on P-256. Default: that of the private key.</summary>
    [Setting(IsPath = true)]
    public string? PublicKeyFile { get; set; }

    /// <summary>A PEM file with the private key, for a node that signs. Default: none.</summary>
    [Setting(IsPath = true)]
    public string? PrivateKeyFile { get; set; }
}
