namespace EdgeCache.Edge.Configuration;

/// <summary>Everything that can be configured, as the section <c>EdgeCache</c> spells it. Defaults are the values here.</summary>
internal sealed class EdgeCacheOptions
{
    public ListenOptions Listen { get; set; } = new();

    public TlsOptions Tls { get; set; } = new();

    public StorageOptions Storage { get; set; } = new();

    public AccessOptions Access { get; set; } = new();

    public LimitsOptions Limits { get; set; } = new();

    public RateLimitOptions RateLimits { get; set; } = new();

    public DeliveryOptions Delivery { get; set; } = new();

    public MetricsOptions Metrics { get; set; } = new();

    /// <summary>Ways of signing addresses, by name; a namespace or a route says which one is its own.</summary>
    public Dictionary<string, SignedUrlOptions> SignedUrls { get; set; } = new(StringComparer.Ordinal);

    /// <summary>Which pages of other origins may read answers, by names of your choice; a namespace or a route says which one is its own.</summary>
    public Dictionary<string, CorsPolicyOptions> Cors { get; set; } = new(StringComparer.Ordinal);

    public PurgeOptions Purge { get; set; } = new();

    /// <summary>Namespaces by name. <c>artifacts</c> is always there; any other is served under <c>/cache/{namespace}/{key}</c>.</summary>
    public Dictionary<string, NamespaceOptions> Namespaces { get; set; } = new(StringComparer.Ordinal) { ["artifacts"] = new() };
}

internal sealed class ListenOptions
{
    /// <summary>Address to listen on: an IP address, <c>localhost</c>, or <c>*</c> for all. Default: 127.0.0.1. Needs a restart.</summary>
    [Setting(Alias = "HOST", NeedsRestart = true)]
    public string Host { get; set; } = "127.0.0.1";

    /// <summary>TCP port, 0 to 65535; 0 lets the system choose. Default: 8080. Needs a restart.</summary>
    [Setting(Alias = "PORT", Min = "0", Max = "65535", NeedsRestart = true)]
    public int Port { get; set; } = 8080;

    /// <summary>
    /// Address and port for health and metrics alone, such as <c>127.0.0.1:9090</c>; cleartext. Port 1 to 65535, not the main one. Default: none, which serves both on the main listener. Needs a restart.
    /// </summary>
    [Setting(NeedsRestart = true)]
    public string? Management { get; set; }

    /// <summary>How long a stop waits for running transfers, 0 s to 1 h. Default: 30 s. Needs a restart.</summary>
    [Setting(Min = "0s", Max = "1h", NeedsRestart = true)]
    public TimeSpan DrainTimeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// Whether cleartext responses go straight to the socket, past the server's own output pipe, and files without being copied: less processor time for each. Default: yes. Needs a restart.
    /// </summary>
    [Setting(NeedsRestart = true)]
    public bool DirectOutput { get; set; } = true;
}

internal sealed class TlsOptions
{
    /// <summary>PEM file with the certificate and its intermediates. Default: none, cleartext. A replaced file is served within seconds; another path needs a restart.</summary>
    [Setting(Alias = "TLS_CERT", NeedsRestart = true, IsPath = true)]
    public string? Certificate { get; set; }

    /// <summary>PEM file with the private key. Default: none. Another path needs a restart.</summary>
    [Setting(Alias = "TLS_KEY", NeedsRestart = true, IsPath = true)]
    public string? Key { get; set; }
}

internal sealed class StorageOptions
{
    /// <summary>Folder of the local store. Default: <c>edgecache</c> in the user's data folder. Needs a restart.</summary>
    [Setting(Alias = "STORAGE", NeedsRestart = true, IsPath = true)]
    public string? Path { get; set; }

    /// <summary>Disk space the store may take, in allocated bytes, 1 MiB and more. Default: 10 GiB. Needs a restart.</summary>
    [Setting(Alias = "MAX_SIZE", Min = "1 MiB", NeedsRestart = true)]
    public ByteSize MaxSize { get; set; } = ByteSize.FromGiB(10);

    /// <summary>Disk space that is left free on the store's file system; a write that would go below is refused with 507. Default: 1 GiB. Needs a restart.</summary>
    [Setting(NeedsRestart = true)]
    public ByteSize MinFreeSpace { get; set; } = ByteSize.FromGiB(1);

    /// <summary>How long to wait for a node that is just leaving the folder, 0 s to 10 min. Default: 40 s. Needs a restart.</summary>
    [Setting(Min = "0s", Max = "10m", NeedsRestart = true)]
    public TimeSpan LockTimeout { get; set; } = TimeSpan.FromSeconds(40);

    /// <summary>How long after a blob was stored or last found good it is re-hashed in the background, up to 3650 days; 0 s is never. Default: 30 days.</summary>
    [Setting(Min = "0s", Max = "3650d")]
    public TimeSpan ScrubInterval { get; set; } = TimeSpan.FromDays(30);

    /// <summary>How fast a scrub reads, in bytes a second, 64 KiB and more; in the background and as the command <c>scrub</c>. Default: 20 MiB.</summary>
    [Setting(Min = "64 KiB")]
    public ByteSize ScrubRate { get; set; } = new(20L << 20);

    /// <summary>Memory for small blobs that are asked for often, 0 to 1 TiB; 0 switches it off. Default: 64 MiB. Needs a restart.</summary>
    [Setting(Min = "0", Max = "1 TiB", NeedsRestart = true)]
    public ByteSize MemoryTier { get; set; } = ByteSize.FromMiB(64);

    /// <summary>
    /// For how long a blob that was held against its checksums is served without doing so again, 0 s to 365 days, in whole minutes; 0 means until the next start. Default: 24 h. Needs a restart.
    /// </summary>
    [Setting(Min = "0s", Max = "365d", NeedsRestart = true)]
    public TimeSpan VerifyInterval { get; set; } = TimeSpan.FromHours(24);

    /// <summary>How blobs are compressed on this node's disk.</summary>
    public CompressionOptions Compression { get; set; } = new();

    /// <summary>The bucket behind the local store. Default: none, so blobs are here alone.</summary>
    public S3Options S3 { get; set; } = new();

    /// <summary>The far store's servers, where it speaks HTTP.</summary>
    public OriginOptions Origin { get; set; } = new();

    /// <summary>How the local store and the one behind it work together.</summary>
    public TieringOptions Tiering { get; set; } = new();
}

internal sealed class TieringOptions
{
    /// <summary>For how long a key that the far store did not have is missing without asking again, 0 s to 10 min. Default: 2 s. Needs a restart.</summary>
    [Setting(Min = "0s", Max = "10m", NeedsRestart = true)]
    public TimeSpan MissMemory { get; set; } = TimeSpan.FromSeconds(2);

    /// <summary>For how long what the far store told of a blob is told again (HEAD), 0 s to 10 min. Default: 5 s. Needs a restart.</summary>
    [Setting(Min = "0s", Max = "10m", NeedsRestart = true)]
    public TimeSpan StatMemory { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>Blobs that are fetched from the far store at one time, 1 to 1024; others wait, up to 16 for each, and more are refused. Default: 128. Needs a restart.</summary>
    [Setting(Min = "1", Max = "1024", NeedsRestart = true)]
    public int MaxFills { get; set; } = 128;

    /// <summary>How long a fetch goes on that nobody waits for any more, 0 s to 1 h. Default: 30 s. Needs a restart.</summary>
    [Setting(Min = "0s", Max = "1h", NeedsRestart = true)]
    public TimeSpan AbandonAfter { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>Longest wait for the far store's answer to a read, 1 s to 10 min. Default: 15 s. Needs a restart.</summary>
    [Setting(Min = "1s", Max = "10m", NeedsRestart = true)]
    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(15);

    /// <summary>How long a stop goes on sending what is written back, 0 s to 1 h, within <c>EdgeCache:Listen:DrainTimeout</c>. Default: 10 s. Needs a restart.</summary>
    [Setting(Min = "0s", Max = "1h", NeedsRestart = true)]
    public TimeSpan OutboxDrain { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>For how long a far store that fails is left alone, 500 ms to 10 min. Default: 5 s. Needs a restart.</summary>
    [Setting(Min = "500ms", Max = "10m", NeedsRestart = true)]
    public TimeSpan BreakDuration { get; set; } = TimeSpan.FromSeconds(5);
}

internal sealed class LimitsOptions
{
    /// <summary>Slowest request body, in bytes a second, after the grace period; 0 switches it off. Default: 240 B/s. Needs a restart.</summary>
    [Setting(Min = "0", NeedsRestart = true)]
    public int MinBodyBytesPerSecond { get; set; } = 240;

    /// <summary>How long a body may be slower than that, 2 s to 10 min (the server looks once a second). Default: 5 s. Needs a restart.</summary>
    [Setting(Min = "2s", Max = "10m", NeedsRestart = true)]
    public TimeSpan BodyGracePeriod { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>How long the header of a request may take to arrive, 1 s to 10 min. Default: 30 s. Needs a restart.</summary>
    [Setting(Min = "1s", Max = "10m", NeedsRestart = true)]
    public TimeSpan HeaderTimeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>How long an idle connection is kept, 1 s to 1 h. Default: 130 s. Needs a restart.</summary>
    [Setting(Min = "1s", Max = "1h", NeedsRestart = true)]
    public TimeSpan KeepAliveTimeout { get; set; } = TimeSpan.FromSeconds(130);

    /// <summary>Most connections at once; 0 is no limit. Default: 0. Needs a restart.</summary>
    [Setting(Min = "0", NeedsRestart = true)]
    public long MaxConnections { get; set; }
}

internal sealed class DeliveryOptions
{
    /// <summary>Smallest blob, in bytes, for which a GET is answered with a redirect to the far store when it is not here; 0 switches it off. Default: 0.</summary>
    public ByteSize RedirectAbove { get; set; }

    /// <summary>How long the address of a redirect is good, 1 s to 7 days. Default: 5 min.</summary>
    [Setting(Min = "1s", Max = "7d")]
    public TimeSpan RedirectLifetime { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>How content is compressed on its way to clients.</summary>
    public WireCompressionOptions Compression { get; set; } = new();
}

internal sealed class MetricsOptions
{
    /// <summary>Whether <c>/metrics</c> is served. Default: yes. Needs a restart.</summary>
    [Setting(Alias = "ENABLE_METRICS", NeedsRestart = true)]
    public bool Enabled { get; set; } = true;
}

internal sealed class NamespaceOptions
{
    /// <summary>Whether every key is the SHA-256 of its content (lower-case hexadecimal), checked at each PUT. Default: no.</summary>
    public bool Verified { get; set; }

    /// <summary>Whether a PUT of other bytes replaces what is stored; otherwise it is a 409. Default: no.</summary>
    public bool Replaceable { get; set; }

    /// <summary>Whether keys may contain <c>/</c>. Default: no.</summary>
    public bool SlashInKeys { get; set; }

    /// <summary>Largest blob; 0 is no limit but the store's. Default: 0.</summary>
    public ByteSize MaxBlobSize { get; set; }

    /// <summary>For how long caches downstream may use a blob without asking, where keys are neither verified nor replaceable; 0 s to 365 days. Default: 1 h.</summary>
    [Setting(Min = "0s", Max = "365d")]
    public TimeSpan MaxAge { get; set; } = TimeSpan.FromHours(1);

    /// <summary>
    /// Where there is a far store: for how long a local copy of a replaceable blob is served without asking whether it is still the present version, 0 s to 365 days. Default: 5 s.
    /// </summary>
    [Setting(Min = "0s", Max = "365d")]
    public TimeSpan FreshFor { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// When a PUT is acknowledged where there is a far store: <c>through</c>, when the far store has it, or <c>back</c>, when it is on this node's disk (verified or replaceable namespaces). Default: through.
    /// </summary>
    public string Write { get; set; } = "through";

    /// <summary>
    /// What a GET or HEAD is answered when the blob is not here and the far store can't be asked: <c>error</c> (503) or <c>miss</c> (404). Default: error for <c>artifacts</c>, miss for others.
    /// </summary>
    public string? WhenUnavailable { get; set; }

    /// <summary>Disk space that the blobs of the namespace may take; beyond it those that are worth least are evicted. 0 is no limit but the store's. Default: 0.</summary>
    public ByteSize Quota { get; set; }

    /// <summary>Whether blobs of the namespace are stored compressed: <c>auto</c>, as <c>EdgeCache:Storage:Compression</c> says, or <c>off</c>. Default: auto.</summary>
    public string Compression { get; set; } = "auto";

    /// <summary>How long a blob is kept since it was stored, up to 3650 days; after that it is missing. 0 s is for ever. Default: 0 s.</summary>
    [Setting(Min = "0s", Max = "3650d")]
    public TimeSpan Retention { get; set; }

    /// <summary>How much all clients together may ask of the namespace, where clients are limited.</summary>
    public RateOptions Rate { get; set; } = new();

    /// <summary>
    /// What a request over a limit is answered: <c>error</c> (429), <c>miss</c> (404 to GET and HEAD, 403 to PUT) or <c>drop</c> (404 to GET and HEAD; a PUT is acknowledged and not stored). Default: drop for
    /// <c>gradle</c> and <c>rush</c>, miss for <c>nx</c> and <c>nix</c>, whose tools break on a 429; error for others.
    /// </summary>
    public string? WhenLimited { get; set; }

    /// <summary>The policy of <c>EdgeCache:SignedUrls</c> by which signed addresses of the namespace are good. Default: none.</summary>
    public string? SignedUrl { get; set; }

    /// <summary>The policy of <c>EdgeCache:Cors</c> by which pages of other origins may read the namespace. Default: none, so they may not.</summary>
    public string? Cors { get; set; }

    /// <summary>
    /// For how long a CDN in front, which is told of purges, may use a blob without asking: sent in a field of its own (RFC 9213), 0 s to 3650 days; 0 s is no such field. Default: 0 s.
    /// </summary>
    [Setting(Min = "0s", Max = "3650d")]
    public TimeSpan CdnMaxAge { get; set; }

    /// <summary>The fields that say so: <c>CDN-Cache-Control</c>, <c>Surrogate-Control</c>, or what a provider calls its own. Default: CDN-Cache-Control.</summary>
    public List<string> CdnFields { get; set; } = ["CDN-Cache-Control"];

    /// <summary>For how long caches may use a blob after its age, while they ask about it (RFC 5861), 0 s to 365 days. Default: 0 s.</summary>
    [Setting(Min = "0s", Max = "365d")]
    public TimeSpan StaleWhileRevalidate { get; set; }

    /// <summary>For how long caches may use a blob after its age, when asking about it fails (RFC 5861), 0 s to 365 days. Default: 0 s.</summary>
    [Setting(Min = "0s", Max = "365d")]
    public TimeSpan StaleIfError { get; set; }

    /// <summary>The fields in which a blob's tags are sent: <c>Cache-Tag</c>, <c>Surrogate-Key</c>. Default: both.</summary>
    public List<string> TagFields { get; set; } = ["Cache-Tag", "Surrogate-Key"];
}
