using System.Collections.Frozen;
using System.Net;
using EdgeCache.Edge.Configuration;

namespace EdgeCache.Edge.Limits;

/// <summary>A limit that all share who come under it, and its buckets.</summary>
/// <param name="Quota">The limit.</param>
/// <param name="Bucket">The buckets; they outlast a change of the limit.</param>
internal sealed record SharedLimit(Quota Quota, Bucket Bucket);

/// <summary>A limit for routes of the user's own.</summary>
/// <param name="Shared">The limit, and the buckets where all clients share one.</param>
/// <param name="PerAddress">Whether every address has buckets of its own.</param>
/// <param name="Id">A number for the name.</param>
internal sealed record PolicyLimit(SharedLimit Shared, bool PerAddress, ulong Id);

/// <summary>The limits that the settings ask for, ready for use; made anew when those change.</summary>
internal sealed class LimitPlan
{
    private const long NanosecondsPerTick = 100;

    /// <summary>Makes a plan.</summary>
    /// <param name="settings">The settings.</param>
    /// <param name="last">The plan before, whose buckets go on; null for the first.</param>
    public LimitPlan(EdgeSettings settings, LimitPlan? last)
    {
        var options = settings.Options.RateLimits;
        Settings = settings;
        IsEnabled = options.Enabled;
        Global = new SharedLimit(QuotaOf("global", options.Global), last?.Global.Bucket ?? new Bucket());
        Address = QuotaOf("address", options.Address);
        Attempts = Quota.Of("attempts", new Rate(options.AttemptsPerSecond, options.AttemptBurst, 0));
        Principal = QuotaOf("principal", options.Principal);
        Namespaces = settings.Options.Namespaces.Select(n => KeyValuePair.Create(n.Key, QuotaOf("namespace", n.Value.Rate))).Where(n => !n.Value.IsNone)
            .ToFrozenDictionary(n => n.Key, n => new SharedLimit(n.Value, last?.Namespaces.GetValueOrDefault(n.Key)?.Bucket ?? new Bucket()), StringComparer.Ordinal);
        Policies = options.Policies.ToFrozenDictionary(p => p.Key, p => PolicyOf(p.Key, p.Value, last), StringComparer.Ordinal);
        FreeNetworks = [.. options.FreeNetworks.Select(n => NetworkText.TryParse(n)!.Value)];
        CountsConduct = options is { Enabled: true, Reputation.Enabled: true };
        Recovery = options.Reputation.Recovery.Ticks * NanosecondsPerTick;
        MaxDelay = options.Reputation.MaxDelay;
        MaxUploads = options.MaxUploads;
        MaxUploadsPerClient = options.MaxUploadsPerClient;
        LimitsBytes = Global.Quota.LimitsBytes || Address.LimitsBytes || Principal.LimitsBytes || Namespaces.Values.Any(n => n.Quota.LimitsBytes);
    }

    public EdgeSettings Settings { get; }

    public bool IsEnabled { get; }

    public SharedLimit Global { get; }

    public Quota Address { get; }

    public Quota Attempts { get; }

    /// <summary>For principals without limits of their own.</summary>
    public Quota Principal { get; }

    /// <summary>Of namespaces that have one.</summary>
    public FrozenDictionary<string, SharedLimit> Namespaces { get; }

    public FrozenDictionary<string, PolicyLimit> Policies { get; }

    public IPNetwork[] FreeNetworks { get; }

    public bool CountsConduct { get; }

    /// <summary>How long the worst reputation takes to be good again, in nanoseconds.</summary>
    public long Recovery { get; }

    public TimeSpan MaxDelay { get; }

    /// <summary>PUTs at one time; 0 is no limit.</summary>
    public int MaxUploads { get; }

    public int MaxUploadsPerClient { get; }

    /// <summary>Whether bytes are limited anywhere but at single tokens.</summary>
    public bool LimitsBytes { get; }

    private static Quota QuotaOf(string name, RateOptions options) => Quota.Of(name, new Rate(options.RequestsPerSecond, options.Burst, options.BytesPerSecond.Bytes));

    private static PolicyLimit PolicyOf(string name, RatePolicyOptions options, LimitPlan? last)
    {
        var quota = Quota.Of(name, new Rate(options.RequestsPerSecond, options.Burst, 0));
        return new PolicyLimit(new SharedLimit(quota, last?.Policies.GetValueOrDefault(name)?.Shared.Bucket ?? new Bucket()), options.Per == "address", KeyedHash.Of(name));
    }
}
