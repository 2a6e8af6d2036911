namespace EdgeCache.Edge.Configuration;

/// <summary>How much clients may ask for. 0 is no limit, everywhere.</summary>
internal sealed class RateLimitOptions
{
    /// <summary>Whether clients are limited at all. Default: no.</summary>
    [Setting(Alias = "ENABLE_RATE_LIMITING")]
    public bool Enabled { get; set; }

    /// <summary>Addresses that are kept in mind at a time, 1024 to 4194304, at 48 bytes each; beyond that those are forgotten that asked for least. Default: 131072. Needs a restart.</summary>
    [Setting(Min = "1024", Max = "4194304", NeedsRestart = true)]
    public int MaxClients { get; set; } = 131_072;

    /// <summary>All requests together.</summary>
    public RateOptions Global { get; set; } = new();

    /// <summary>Requests without credentials, or with bad ones, of one address (IPv6: of one /64).</summary>
    public RateOptions Address { get; set; } = new() { RequestsPerSecond = 2_000, Burst = 20_000 };

    /// <summary>Wrong credentials, each other than the last, that one address may try a second in the long run. Default: 100.</summary>
    [Setting(Min = "0")]
    public int AttemptsPerSecond { get; set; } = 100;

    /// <summary>Such tries at once, 0 to 1000000; 0 is one second's worth. Default: 1000.</summary>
    [Setting(Min = "0", Max = "1000000")]
    public int AttemptBurst { get; set; } = 1_000;

    /// <summary>Requests of one principal whose token has no limits of its own.</summary>
    public RateOptions Principal { get; set; } = new();

    /// <summary>PUTs that are received at one time, by all clients together. Default: 1024.</summary>
    [Setting(Min = "0")]
    public int MaxUploads { get; set; } = 1_024;

    /// <summary>PUTs that are received at one time from one client: a principal, or else an address. Default: 0.</summary>
    [Setting(Min = "0")]
    public int MaxUploadsPerClient { get; set; }

    /// <summary>Calls under <c>/admin</c> that take long, at one time; in force also where clients are not limited. Default: 4.</summary>
    [Setting(Min = "0")]
    public int MaxWork { get; set; } = 4;

    /// <summary>Networks, such as <c>10.0.0.0/8</c>, from which health and metrics on the main listener are asked without limits. Default: none.</summary>
    public List<string> FreeNetworks { get; set; } = [];

    public ReputationOptions Reputation { get; set; } = new();

    /// <summary>Limits by name, for <c>RateLimiterPolicy</c> of routes of the user's own.</summary>
    public Dictionary<string, RatePolicyOptions> Policies { get; set; } = new(StringComparer.Ordinal);
}

/// <summary>How much one may ask for. 0 is no limit.</summary>
internal sealed class RateOptions
{
    /// <summary>Requests a second in the long run, 0 to 1000000.</summary>
    [Setting(Min = "0", Max = "1000000")]
    public int RequestsPerSecond { get; set; }

    /// <summary>Requests at once, 0 to 1000000; 0 is one second's worth.</summary>
    [Setting(Min = "0", Max = "1000000")]
    public int Burst { get; set; }

    /// <summary>Content bytes a second in the long run, both ways together.</summary>
    public ByteSize BytesPerSecond { get; set; }
}

/// <summary>What a client's conduct does to its limits.</summary>
internal sealed class ReputationOptions
{
    /// <summary>Whether conduct counts, where clients are limited. Default: yes.</summary>
    public bool Enabled { get; set; } = true;

    /// <summary>How long the worst reputation takes to be good again by itself, 10 s to 1 day. Default: 10 min.</summary>
    [Setting(Min = "10s", Max = "1d")]
    public TimeSpan Recovery { get; set; } = TimeSpan.FromMinutes(10);

    /// <summary>Longest wait before bad credentials are answered, 0 s to 10 s; it grows with the bad ones before. Default: 1 s.</summary>
    [Setting(Min = "0s", Max = "10s")]
    public TimeSpan MaxDelay { get; set; } = TimeSpan.FromSeconds(1);
}

/// <summary>A limit for routes of the user's own.</summary>
internal sealed class RatePolicyOptions
{
    /// <summary>Who has a limit of their own: each <c>address</c>, or <c>all</c> clients together. Default: address.</summary>
    public string Per { get; set; } = "address";

    /// <summary>Requests a second in the long run, 1 to 1000000. Default: 100.</summary>
    [Setting(Min = "1", Max = "1000000")]
    public int RequestsPerSecond { get; set; } = 100;

    /// <summary>Requests at once, 0 to 1000000; 0 is one second's worth. Default: 0.</summary>
    [Setting(Min = "0", Max = "1000000")]
    public int Burst { get; set; }
}
