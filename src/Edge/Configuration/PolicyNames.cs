namespace EdgeCache.Edge.Configuration;

/// <summary>The policies that routes may name: of the settings in force in a node that runs, of the candidate while a configuration is checked.</summary>
internal sealed class PolicyNames(Func<EdgeCacheOptions> options)
{
    public IReadOnlyCollection<string> SignedUrls => options().SignedUrls.Keys;

    public EdgeCacheOptions Options => options();
}
