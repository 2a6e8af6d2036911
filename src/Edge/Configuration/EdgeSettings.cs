using System.Collections.Frozen;
using EdgeCache.Codecs.Choosing;
using EdgeCache.Storage;
using EdgeCache.Storage.Tiering;

namespace EdgeCache.Edge.Configuration;

/// <summary>One valid configuration, ready for use by a request: immutable, replaced as a whole at a reload.</summary>
internal sealed class EdgeSettings
{
    public EdgeSettings(EdgeCacheOptions options, string? token)
    {
        Options = options;
        Token = token;
        Namespaces = options.Namespaces.ToFrozenDictionary(n => n.Key, n => ToPolicy(n.Key, n.Value), StringComparer.Ordinal);
        Compression = options.Namespaces.ToFrozenDictionary(n => n.Key, n => ToCompressionPolicy(options.Storage.Compression, n.Value), StringComparer.Ordinal);
        Tiers = options.Namespaces.ToFrozenDictionary(n => n.Key, n => ToTierPolicy(n.Value), StringComparer.Ordinal);
    }

    public EdgeCacheOptions Options { get; }

    /// <summary>The token, from the configuration or from its file; null for none. Never logged.</summary>
    public string? Token { get; }

    public FrozenDictionary<string, NamespacePolicy> Namespaces { get; }

    /// <summary>How the blobs of each namespace move between the stores.</summary>
    public FrozenDictionary<string, TierPolicy> Tiers { get; }

    /// <summary>What is compressed of each namespace.</summary>
    public FrozenDictionary<string, CompressionPolicy> Compression { get; }

    private static CompressionPolicy ToCompressionPolicy(CompressionOptions storage, NamespaceOptions options) => new()
    {
        IsEnabled = storage.Enabled && options.Compression == "auto",
        Level = storage.Level,
        MinLength = storage.MinSize.Bytes,
    };

    private static TierPolicy ToTierPolicy(NamespaceOptions options) => new()
    {
        Verified = options.Verified,
        FreshFor = options.Replaceable ? options.FreshFor : null,
        WriteBack = options.Write == "back",
    };

    private static NamespacePolicy ToPolicy(string name, NamespaceOptions options) => new()
    {
        Name = name,
        Verified = options.Verified,
        Replaceable = options.Replaceable,
        SlashInKeys = options.SlashInKeys,
        MaxBlobBytes = options.MaxBlobSize.Bytes == 0 ? long.MaxValue : options.MaxBlobSize.Bytes,
        MaxAge = options.MaxAge,
        MissWhenUnavailable = (options.WhenUnavailable ?? (name == "artifacts" ? "error" : "miss")) == "miss",
        Limits = new NamespaceLimits
        {
            QuotaBytes = options.Quota.Bytes == 0 ? long.MaxValue : options.Quota.Bytes,
            Retention = options.Retention == TimeSpan.Zero ? null : options.Retention,
        },
    };
}
