namespace EdgeCache.Edge.Configuration;

internal sealed class AccessOptions
{
    /// <summary>The token that gives access, as a bearer token or as the password of basic authentication. Default: none. Secret.</summary>
    [Setting(Alias = "AUTH_TOKEN", Secret = true)]
    public string? Token { get; set; }

    /// <summary>A file whose content (without surrounding white space) is the token. Default: none.</summary>
    [Setting(Alias = "AUTH_TOKEN_FILE", IsPath = true)]
    public string? TokenFile { get; set; }

    /// <summary>
    /// The list of tokens that <c>edgecache token</c> makes. Default: <c>tokens.json</c> in the store's folder, if it is there. One that is named here need not be there yet; nobody
    /// may do anything until it is. Another path needs a restart.
    /// </summary>
    [Setting(NeedsRestart = true, IsPath = true)]
    public string? TokenList { get; set; }

    /// <summary>Whether everybody may read without a token where tokens are needed. Default: no.</summary>
    public bool AnonymousRead { get; set; }

    /// <summary>Whether to listen beyond loopback without a token: everybody who reaches the port may read and write. Default: no. Needs a restart.</summary>
    [Setting(NeedsRestart = true)]
    public bool AllowAnonymous { get; set; }

    /// <summary>
    /// Host names (without port) that requests may name. Default: empty, which means loopback names alone when listening on loopback, and any name otherwise.
    /// </summary>
    public List<string> AllowedHosts { get; set; } = [];

    /// <summary>Networks of the proxies before the node, such as <c>10.0.0.0/8</c>, whose word about a client's address is taken. Default: none.</summary>
    public List<string> TrustedProxies { get; set; } = [];

    /// <summary>The field in which these proxies name the client: <c>X-Forwarded-For</c> or <c>Forwarded</c> (RFC 7239). The other is never looked at. Default: X-Forwarded-For.</summary>
    public string ForwardedField { get; set; } = "X-Forwarded-For";
}
