using System.Text.Json;

namespace EdgeCache.Edge.Purging;

/// <summary>Cloudflare's purge of a zone (API v4): by address, by the beginning of addresses, by tag.</summary>
internal static class CloudflareCalls
{
    /// <summary>Things of one call: what the smallest plan may.</summary>
    private const int MaxThings = 30;

    public static IEnumerable<OutwardCall> Of(OutwardProvider provider, OutwardTargets targets)
    {
        var url = provider.PublicUrl.AbsoluteUri.TrimEnd('/');
        if (targets.Tag is { } tag)
            return [Call(provider, "tags", [tag])];

        // Without a scheme, as Cloudflare has it.
        if (targets.Prefix is { } prefix)
            return [Call(provider, "prefixes", [$"{url[(url.IndexOf("://", StringComparison.Ordinal) + 3)..]}{prefix}"])];
        return targets.Paths.Chunk(MaxThings).Select(batch => Call(provider, "files", [.. batch.Select(p => url + p)]));
    }

    private static OutwardCall Call(OutwardProvider provider, string what, IReadOnlyList<string> things)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream))
        {
            json.WriteStartObject();
            json.WriteStartArray(what);
            foreach (var thing in things)
                json.WriteStringValue(thing);
            json.WriteEndArray();
            json.WriteEndObject();
        }
        return new OutwardCall(
            new Uri($"{provider.Endpoint.AbsoluteUri.TrimEnd('/')}/zones/{provider.Id}/purge_cache"),
            stream.ToArray(),
            "application/json",
            (request, _) => request.Headers.TryAddWithoutValidation("Authorization", $"Bearer {provider.Secret}"));
    }
}
