using System.Collections.Frozen;
using EdgeCache.Codecs.Choosing;
using EdgeCache.Edge.Purging;
using EdgeCache.Edge.Signing;
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
        var storage = options.Storage;
        Compression = options.Namespaces.ToFrozenDictionary(n => n.Key, n => ToCompressionPolicy(storage.Compression, storage.Compression.Enabled, n.Value), StringComparer.Ordinal);
        BucketCompression = options.Namespaces.ToFrozenDictionary(n => n.Key, n => ToCompressionPolicy(storage.Compression, storage.S3.Compression == "zstd", n.Value), StringComparer.Ordinal);
        Tiers = options.Namespaces.ToFrozenDictionary(n => n.Key, n => ToTierPolicy(n.Value), StringComparer.Ordinal);
    }

    public EdgeCacheOptions Options { get; }

    /// <summary>The token, from the configuration or from its file; null for none. Never logged.</summary>
    public string? Token { get; }

    public FrozenDictionary<string, NamespacePolicy> Namespaces { get; }

    /// <summary>How the blobs of each namespace move between the stores.</summary>
    public FrozenDictionary<string, TierPolicy> Tiers { get; }

    /// <summary>The ways of signing addresses, by name.</summary>
    public FrozenDictionary<string, SignedUrlPolicy> SignedUrls { get; init; } = FrozenDictionary<string, SignedUrlPolicy>.Empty;

    /// <summary>Who is told of purges.</summary>
    public IReadOnlyList<OutwardProvider> Providers { get; init; } = [];

    /// <summary>What is compressed of each namespace in the local store.</summary>
    public FrozenDictionary<string, CompressionPolicy> Compression { get; }

    /// <summary>What is compressed of each namespace in the bucket.</summary>
    public FrozenDictionary<string, CompressionPolicy> BucketCompression { get; }

    private static CompressionPolicy ToCompressionPolicy(CompressionOptions storage, bool isEnabled, NamespaceOptions options) => new()
    {
        IsEnabled = isEnabled && options.Compression == "auto",
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
        Cdn = new CdnPolicy
        {
            MaxAge = options.CdnMaxAge,
            Fields = [.. options.CdnFields],
            StaleWhileRevalidate = options.StaleWhileRevalidate,
            StaleIfError = options.StaleIfError,
            TagFields = [.. options.TagFields],
        },
        Limits = new NamespaceLimits
        {
            QuotaBytes = options.Quota.Bytes == 0 ? long.MaxValue : options.Quota.Bytes,
            Retention = options.Retention == TimeSpan.Zero ? null : options.Retention,
        },
    };
}
