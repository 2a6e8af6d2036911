namespace EdgeCache.Edge.Purging;

/// <summary>A CDN that is told of purges.</summary>
/// <param name="Name">Its name in the configuration.</param>
/// <param name="IsCloudFront">CloudFront or Cloudflare.</param>
/// <param name="Endpoint">Where its API is.</param>
/// <param name="Id">The distribution or the zone.</param>
/// <param name="PublicUrl">How the addresses begin that its clients use.</param>
/// <param name="Namespaces">What it serves; empty for all.</param>
/// <param name="AccessKey">CloudFront's access key.</param>
/// <param name="Secret">CloudFront's secret key, or Cloudflare's token. Never logged.</param>
/// <param name="Timeout">Longest wait for an answer.</param>
internal sealed record OutwardProvider(string Name, bool IsCloudFront, Uri Endpoint, string Id, Uri PublicUrl, IReadOnlyList<string> Namespaces, string AccessKey, string Secret, TimeSpan Timeout)
{
    /// <summary>The path of the node itself at the provider, without '/' at its end.</summary>
    public string BasePath => PublicUrl.AbsolutePath.TrimEnd('/');

    public override string ToString() => Name;
}

/// <summary>What a provider is to remove: addresses below its public one, everything that begins so, or what has a tag.</summary>
/// <param name="Paths">Paths of this node.</param>
/// <param name="Prefix">The beginning of paths; null for none.</param>
/// <param name="Tag">A tag; null for none.</param>
internal sealed record OutwardTargets(IReadOnlyList<string> Paths, string? Prefix, string? Tag)
{
    /// <summary>Works it out for a provider.</summary>
    /// <param name="plan">The purge.</param>
    /// <param name="purged">The keys that were purged; null where they are too many.</param>
    /// <param name="knowsTags">Whether the provider can purge by tag.</param>
    public static OutwardTargets Of(PurgePlan plan, IReadOnlyList<Storage.BlobKey>? purged, bool knowsTags)
    {
        var root = plan.Namespace == "artifacts" ? "/artifacts/" : $"/cache/{plan.Namespace}/";
        if (plan.Keys is { } keys)
            return new OutwardTargets([.. keys.Select(k => root + k.Key)], null, null);
        if (plan.Prefix is { Tag: { } tag } && knowsTags)
            return new OutwardTargets([], null, tag);
        if (plan.Prefix is { Tag: null, Writer: null, KeyPrefix: var prefix })
            return new OutwardTargets([], root + prefix, null);
        return purged is null ? new OutwardTargets([], root, null) : new OutwardTargets([.. purged.Select(k => root + k.Key)], null, null);
    }

    public bool IsNothing => Paths.Count == 0 && Prefix is null && Tag is null;

    public override string ToString() => Tag is { } tag ? $"the tag {tag}" : Prefix is { } prefix ? $"{prefix}*" : $"{Paths.Count} addresses";
}
