namespace EdgeCache.Edge.Configuration;

/// <summary>The rules of limits that one value alone can't break.</summary>
internal static class RateLimitRules
{
    /// <summary>What YARP itself means by these.</summary>
    private static readonly string[] Taken = ["default", "disable"];

    public static void Check(EdgeCacheOptions options, ConfigurationErrors errors)
    {
        const string Policies = "EdgeCache:RateLimits:Policies";
        NetworkText.Check("EdgeCache:RateLimits:FreeNetworks", options.RateLimits.FreeNetworks, errors);
        foreach (var (name, policy) in options.RateLimits.Policies)
        {
            if (Taken.Contains(name, StringComparer.OrdinalIgnoreCase))
                errors.AddKey($"{Policies}:{name}", "is a name that the reverse proxy has for something else. Choose another.");
            if (policy.Per is not ("address" or "all"))
                errors.AddValue($"{Policies}:{name}:Per", "must be address or all.");
        }
        foreach (var (name, space) in options.Namespaces)
        {
            if (space.WhenLimited is not (null or "error" or "miss" or "drop"))
                errors.AddValue($"EdgeCache:Namespaces:{name}:WhenLimited", "must be error, miss or drop.");
        }
    }

    /// <summary>What a running node can't take over: the reverse proxy learns the names of policies at the start.</summary>
    public static IEnumerable<string> CheckReload(EdgeCacheOptions current, EdgeCacheOptions next) => next.RateLimits.Policies.Keys.Except(current.RateLimits.Policies.Keys, StringComparer.Ordinal)
        .Select(name => $"EdgeCache:RateLimits:Policies:{name}: a policy of a new name needs a restart.");
}
