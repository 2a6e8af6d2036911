using System.Text.Json;
using EdgeCache.Client.Signing;

namespace EdgeCache.Edge.Signing;

/// <summary>What a custom policy of CloudFront's says: one statement with a resource and up to three conditions. A condition that is not known here makes it unusable, not wider.</summary>
/// <param name="Resource">The URL, with '*' for any characters and '?' for one.</param>
/// <param name="Expires">DateLessThan.</param>
/// <param name="NotBefore">DateGreaterThan; null for none.</param>
/// <param name="Client">IpAddress; null for anybody.</param>
internal sealed record CloudFrontStatement(string Resource, DateTimeOffset Expires, DateTimeOffset? NotBefore, ClientNetwork? Client)
{
    /// <summary>Reads a policy whose signature has been found good.</summary>
    public static CloudFrontStatement? TryRead(ReadOnlyMemory<byte> json)
    {
        try
        {
            using var document = JsonDocument.Parse(json, new JsonDocumentOptions { MaxDepth = 8, AllowDuplicateProperties = false });
            var root = document.RootElement;
            if (root.ValueKind != JsonValueKind.Object || !root.TryGetProperty("Statement", out var statements) || statements.ValueKind != JsonValueKind.Array || statements.GetArrayLength() != 1)
                return null;
            var statement = statements[0];
            if (statement.ValueKind != JsonValueKind.Object || !statement.TryGetProperty(nameof(Resource), out var resource) || resource.ValueKind != JsonValueKind.String
                || !statement.TryGetProperty("Condition", out var conditions) || conditions.ValueKind != JsonValueKind.Object)
                return null;
            return ReadConditions(resource.GetString()!, conditions);
        }
        catch (JsonException)
        {
            return null;
        }
        catch (InvalidOperationException)
        {
            // A text that is not Unicode.
            return null;
        }
    }

    /// <summary>Whether the resource names an address.</summary>
    public bool Covers(ReadOnlySpan<char> url)
    {
        // The usual way back to the last '*': at most one step for each pair of characters.
        var (at, pattern, star, retry) = (0, 0, -1, 0);
        while (at < url.Length)
        {
            if (pattern < Resource.Length && Resource[pattern] == '*')
            {
                star = pattern++;
                retry = at;
            }
            else if (pattern < Resource.Length && (Resource[pattern] == '?' || Resource[pattern] == url[at]))
            {
                pattern++;
                at++;
            }
            else if (star >= 0)
            {
                pattern = star + 1;
                at = ++retry;
            }
            else
            {
                return false;
            }
        }
        return Resource.AsSpan(pattern).IndexOfAnyExcept('*') < 0;
    }

    private static CloudFrontStatement? ReadConditions(string resource, JsonElement conditions)
    {
        DateTimeOffset? expires = null;
        DateTimeOffset? begins = null;
        ClientNetwork? client = null;
        foreach (var condition in conditions.EnumerateObject())
        {
            var read = condition.Name switch
            {
                "DateLessThan" => (expires = ReadTime(condition.Value)) is not null,
                "DateGreaterThan" => (begins = ReadTime(condition.Value)) is not null,
                "IpAddress" => Single(condition.Value, "AWS:SourceIp") is { ValueKind: JsonValueKind.String } text && ClientNetwork.TryParse(text.GetString(), out client),
                _ => false,
            };
            if (!read)
                return null;
        }
        return expires is { } end ? new CloudFrontStatement(resource, end, begins, client) : null;
    }

    private static DateTimeOffset? ReadTime(JsonElement condition) =>
        Single(condition, "AWS:EpochTime") is { ValueKind: JsonValueKind.Number } number && number.TryGetInt64(out var seconds) && seconds is >= 0 and <= 253_402_300_799
            ? DateTimeOffset.FromUnixTimeSeconds(seconds)
            : null;

    private static JsonElement? Single(JsonElement condition, string name) =>
        condition.ValueKind == JsonValueKind.Object && condition.GetPropertyCount() == 1 && condition.TryGetProperty(name, out var value) ? value : null;
}
