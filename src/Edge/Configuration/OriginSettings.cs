using System.Text;
using EdgeCache.Edge.Origins;
using EdgeCache.Storage;

namespace EdgeCache.Edge.Configuration;

/// <summary>Checks what is configured about an HTTP origin, and makes of it what the store takes.</summary>
internal static class OriginSettings
{
    public const string Section = "EdgeCache:Storage:Origin";

    /// <summary>The rules that hold whether or not an origin is used.</summary>
    public static void Check(StorageOptions storage, ConfigurationErrors errors)
    {
        var options = storage.Origin;
        if (options.Cluster is not null && storage.S3.Bucket is not null)
            errors.AddValue($"{Section}:Cluster", $"{S3Settings.Section}:Bucket is set too, and there is one far store. Remove one of the two.");
        if (options.PathPrefix is { } prefix && (!prefix.EndsWith('/') || BlobKey.TryCreate("prefix", "", prefix[..^1], allowSlash: true, out _) is not null))
            errors.AddValue($"{Section}:PathPrefix", "must be made of A-Z a-z 0-9 - . _ ~ @ + = and single '/', not at the beginning, and one at the end.");
        if (options.Kind is not ("edgecache" or "http"))
            errors.AddValue($"{Section}:Kind", "must be edgecache or http.");
        if (options is { Token: not null, TokenFile: not null })
            errors.AddKey($"{Section}:Token", $"{Section}:TokenFile is set too. Set one of the two.");
        if (options.Token is { } token && OptionRules.CheckToken(token) is { } fault)
            errors.AddKey($"{Section}:Token", fault);
    }

    /// <summary>Whether the cluster is one of the user's, and has somewhere to go.</summary>
    public static void CheckCluster(OriginOptions options, IConfiguration configuration, ConfigurationErrors errors)
    {
        if (options.Cluster is not { } name)
            return;
        var clusters = configuration.GetSection($"{FrameworkSections.ReverseProxy}:Clusters").GetChildren().ToArray();
        var cluster = Array.Find(clusters, c => c.Key.Equals(name, StringComparison.OrdinalIgnoreCase));
        if (cluster is null)
            errors.AddValue($"{Section}:Cluster", $"there is no such cluster in {FrameworkSections.ReverseProxy}:Clusters.{Suggestion.Sentence(Suggestion.Nearest(name, clusters.Select(c => c.Key)))}");
        else if (!cluster.GetSection("Destinations").GetChildren().Any())
            errors.AddValue($"{Section}:Cluster", "the cluster has no destinations: give it at least one.");
    }

    /// <summary>Reads what is in a file and builds the store's options; null when no origin is configured.</summary>
    /// <exception cref="IOException">The token's file can't be used; the message says why.</exception>
    public static OriginTarget? Build(OriginOptions options)
    {
        if (options.Cluster is not { } cluster)
            return null;
        var token = options.Token;
        if (options.TokenFile is { } path)
        {
            var (content, unreadable) = new FileSnapshots().Read(path);
            token = content is null ? throw new IOException($"{Section}:TokenFile: {unreadable}") : Encoding.UTF8.GetString(content).Trim();
            if ((token.Length == 0 ? "is empty." : OptionRules.CheckToken(token)) is { } fault)
                throw new IOException($"{Section}:TokenFile: the content of the file {path} {fault}");
        }
        return new OriginTarget
        {
            Cluster = cluster,
            IsEdgeCache = options.Kind == "edgecache",
            PathPrefix = options.PathPrefix ?? "",
            Token = token,
            Timeout = options.Timeout,
        };
    }
}
