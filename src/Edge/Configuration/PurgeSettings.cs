using System.Text;
using EdgeCache.Edge.Purging;

namespace EdgeCache.Edge.Configuration;

/// <summary>Checks what is configured about providers, and reads their secrets.</summary>
internal static class PurgeSettings
{
    public const string Section = "EdgeCache:Purge:Providers";

    public static IReadOnlyList<OutwardProvider> Build(EdgeCacheOptions options, FileSnapshots files, ConfigurationErrors errors)
    {
        var providers = new List<OutwardProvider>();
        foreach (var (name, provider) in options.Purge.Providers)
        {
            var before = errors.Messages.Count;
            var section = $"{Section}:{name}";
            if (provider.Kind is not ("cloudfront" or "cloudflare"))
                errors.AddValue($"{section}:Kind", "must be cloudfront or cloudflare.");
            var isCloudFront = provider.Kind == "cloudfront";
            var endpoint = ReadUrl($"{section}:Endpoint", provider.Endpoint ?? (isCloudFront ? "https://cloudfront.amazonaws.com" : "https://api.cloudflare.com/client/v4"), errors);
            var publicUrl = ReadUrl($"{section}:PublicUrl", provider.PublicUrl, errors);
            if (provider.Id is not { Length: > 0 and <= 64 } id || !id.All(char.IsAsciiLetterOrDigit))
                errors.AddKey($"{section}:Id", "must be the ID of the distribution or zone: letters and digits.");
            foreach (var unknown in provider.Namespaces.Where(n => !options.Namespaces.ContainsKey(n)))
                errors.AddKey($"{section}:Namespaces", $"\"{unknown}\" is not configured.{Suggestion.Sentence(Suggestion.Nearest(unknown, options.Namespaces.Keys))}");
            if (isCloudFront && provider.AccessKey is null)
                errors.AddKey($"{section}:AccessKey", "must be set, with SecretKey or SecretKeyFile: calls are signed with them.");
            var secret = isCloudFront
                ? ReadSecret(section, "SecretKey", provider.SecretKey, provider.SecretKeyFile, files, errors)
                : ReadSecret(section, "Token", provider.Token, provider.TokenFile, files, errors);
            if (errors.Messages.Count == before)
                providers.Add(new OutwardProvider(name, isCloudFront, endpoint!, provider.Id!, publicUrl!, [.. provider.Namespaces], provider.AccessKey ?? "", secret!, provider.Timeout));
        }
        return providers;
    }

    private static Uri? ReadUrl(string name, string? text, ConfigurationErrors errors)
    {
        if (Uri.TryCreate(text?.TrimEnd('/'), UriKind.Absolute, out var uri) && uri is { Scheme: "http" or "https", Query: "", Fragment: "", UserInfo: "" })
            return uri;
        errors.AddKey(name, "must begin with http:// or https:// and a host, perhaps with a path; no query.");
        return null;
    }

    private static string? ReadSecret(string section, string name, string? text, string? file, FileSnapshots files, ConfigurationErrors errors)
    {
        if (text is null == file is null)
        {
            errors.AddKey($"{section}:{name}", $"must be set, or {name}File; not both.");
            return null;
        }
        if (file is not null)
        {
            var (content, fault) = files.Read(file);
            if (content is null)
            {
                errors.AddValue($"{section}:{name}File", fault!);
                return null;
            }
            text = Encoding.UTF8.GetString(content).Trim();
        }
        if (text!.Length > 0 && OptionRules.CheckToken(text) is null)
            return text;
        errors.AddKey($"{section}:{name}", text.Length == 0 ? "is empty." : OptionRules.CheckToken(text)!);
        return null;
    }
}
