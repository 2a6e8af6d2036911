namespace EdgeCache.Edge.Configuration;

/// <summary>A far store that speaks HTTP: which cluster of the reverse proxy it is, and how it is spoken to.</summary>
internal sealed class OriginOptions
{
    /// <summary>The cluster (<c>ReverseProxy:Clusters</c>) whose destinations are the far store. Default: none. Needs a restart.</summary>
    [Setting(NeedsRestart = true)]
    public string? Cluster { get; set; }

    /// <summary>What the destinations are: <c>edgecache</c>, or <c>http</c> for any other server. Default: edgecache. Needs a restart.</summary>
    [Setting(NeedsRestart = true)]
    public string Kind { get; set; } = "edgecache";

    /// <summary>What comes in the path before <c>artifacts/</c> and <c>cache/</c>, with its own <c>/</c> at the end. Default: nothing. Needs a restart.</summary>
    [Setting(NeedsRestart = true)]
    public string? PathPrefix { get; set; }

    /// <summary>The token that is sent as a bearer token. Default: none. Secret. Needs a restart.</summary>
    [Setting(NeedsRestart = true, Secret = true)]
    public string? Token { get; set; }

    /// <summary>A file with the token in it. Default: none. Needs a restart.</summary>
    [Setting(NeedsRestart = true, IsPath = true)]
    public string? TokenFile { get; set; }

    /// <summary>Longest wait for a connection, 100 ms to 1 min. Default: 5 s. Needs a restart.</summary>
    [Setting(Min = "100ms", Max = "1m", NeedsRestart = true)]
    public TimeSpan ConnectTimeout { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>Longest wait for the header of an answer, for the next bytes of a body, or for those that are sent to be taken, 100 ms to 10 min. Default: 60 s. Needs a restart.</summary>
    [Setting(Min = "100ms", Max = "10m", NeedsRestart = true)]
    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(60);
}
