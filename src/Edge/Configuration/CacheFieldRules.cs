namespace EdgeCache.Edge.Configuration;

/// <summary>The rules about what caches and browsers are told.</summary>
internal static class CacheFieldRules
{
    private const string CorsSection = "EdgeCache:Cors";

    public static void Check(string key, NamespaceOptions space, EdgeCacheOptions options, ConfigurationErrors errors)
    {
        if (space.Cors is { } policy && !options.Cors.ContainsKey(policy))
            errors.AddValue($"{key}:Cors", $"there is no such policy in {CorsSection}.{Suggestion.Sentence(Suggestion.Nearest(policy, options.Cors.Keys))}");
        foreach (var field in space.TagFields.Where(f => f is not ("Cache-Tag" or "Surrogate-Key")))
            errors.AddKey($"{key}:TagFields", $"\"{field}\" must be Cache-Tag or Surrogate-Key.");
        foreach (var field in space.CdnFields.Where(f => !f.EndsWith("-Cache-Control", StringComparison.OrdinalIgnoreCase) && !f.Equals("Surrogate-Control", StringComparison.OrdinalIgnoreCase)))
            errors.AddKey($"{key}:CdnFields", $"\"{field}\" must be Surrogate-Control or end with -Cache-Control, such as CDN-Cache-Control.");
        foreach (var field in space.CdnFields.Where(f => f.Length > 64 || !f.All(c => char.IsAsciiLetterOrDigit(c) || c == '-')))
            errors.AddKey($"{key}:CdnFields", $"\"{field}\" is not the name of a header field.");
    }

    public static void CheckCors(EdgeCacheOptions options, ConfigurationErrors errors)
    {
        foreach (var (name, policy) in options.Cors)
        {
            var section = $"{CorsSection}:{name}";
            if (policy.Origins.Count == 0)
                errors.AddKey($"{section}:Origins", "is empty: nobody could use the policy.");
            foreach (var origin in policy.Origins.Where(o => o != "*" && !IsOrigin(o)))
                errors.AddKey($"{section}:Origins", $"\"{origin}\" must be an origin such as https://app.example.com or https://*.example.com, without a path, or *.");
            if (policy.Credentials && policy.Origins.Contains("*", StringComparer.Ordinal))
                errors.AddKey($"{section}:Credentials", "can't go with the origin *: every site could act for the user. Name the origins.");
            foreach (var text in policy.Methods.Concat(policy.Headers).Concat(policy.ExposedHeaders).Where(t => t != "*" && !t.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_')))
                errors.AddKey(section, $"\"{text}\" is not the name of a method or header field.");
        }
    }

    private static bool IsOrigin(string text)
    {
        var plain = text.Replace("://*.", "://x.", StringComparison.Ordinal);
        return Uri.TryCreate(plain, UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https" && uri!.GetLeftPart(UriPartial.Authority).Equals(plain, StringComparison.OrdinalIgnoreCase)
            && uri.UserInfo.Length == 0 && !plain.Contains('*');
    }
}
