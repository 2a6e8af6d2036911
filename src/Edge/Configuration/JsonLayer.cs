using System.Text.Json;

namespace EdgeCache.Edge.Configuration;

/// <summary>Reads a JSON file into flattened values. Comments and trailing commas are fine.</summary>
internal static class JsonLayer
{
    private static readonly JsonDocumentOptions Format = new() { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true };

    private static ReadOnlySpan<byte> ByteOrderMark => [0xEF, 0xBB, 0xBF];

    /// <summary>Reads the content of a file.</summary>
    /// <returns>Null when it could be read; otherwise one sentence. It never quotes the file, which may have secrets in it.</returns>
    public static string? TryRead(string path, byte[] content, ConfigurationLayer layer, Dictionary<string, ConfigurationValue> values)
    {
        var json = content.AsMemory(content.AsSpan().StartsWith(ByteOrderMark) ? ByteOrderMark.Length : 0);
        try
        {
            using var document = JsonDocument.Parse(json, Format);
            if (document.RootElement.ValueKind != JsonValueKind.Object)
                return $"{path}: must have a JSON object at the top, with sections such as \"{OptionSchema.Section}\".";
            return Flatten("", document.RootElement, new Target(path, layer, values));
        }
        catch (JsonException e)
        {
            return $"{path}: is not valid JSON at line {e.LineNumber + 1}, column {e.BytePositionInLine + 1}.";
        }
        catch (InvalidOperationException)
        {
            // Found only when a text is decoded: bytes that are not UTF-8, or half of a surrogate pair as an escape.
            return $"{path}: has text that is not valid UTF-8.";
        }
    }

    private static string? Flatten(string key, JsonElement element, Target target)
    {
        switch (element.ValueKind)
        {
            case JsonValueKind.Object:
                return FlattenObject(key, element, target);
            case JsonValueKind.Array:
                return FlattenArray(key, element, target);
            case JsonValueKind.Null:
                return target.Add(key, null);
            case JsonValueKind.String:
                return target.Add(key, element.GetString());
            default:
                return target.Add(key, element.GetRawText());
        }
    }

    private static string? FlattenObject(string key, JsonElement element, Target target)
    {
        var empty = true;
        foreach (var property in element.EnumerateObject())
        {
            empty = false;

            // For editors: names the schema that describes the file.
            if (key.Length == 0 && property.NameEquals("$schema"))
                continue;
            if (Flatten(key.Length == 0 ? property.Name : $"{key}:{property.Name}", property.Value, target) is { } fault)
                return fault;
        }

        // An empty object still says that the section is there: {"Namespaces": {"cas": {}}} makes a namespace.
        return empty && key.Length > 0 ? target.Add(key, null) : null;
    }

    private static string? FlattenArray(string key, JsonElement element, Target target)
    {
        var index = 0;
        foreach (var item in element.EnumerateArray())
        {
            if (Flatten($"{key}:{index++}", item, target) is { } fault)
                return fault;
        }
        return index == 0 ? target.Add(key, "") : null;
    }

    private sealed record Target(string Path, ConfigurationLayer Layer, Dictionary<string, ConfigurationValue> Values)
    {
        private readonly string _origin = $"file {Path}";

        public string? Add(string key, string? value) =>
            Values.TryAdd(key, new ConfigurationValue(value, _origin, Layer)) ? null : $"{Path}: has {key} twice (names ignore case).";
    }
}
