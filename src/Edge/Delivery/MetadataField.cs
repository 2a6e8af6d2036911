using System.Buffers;
using System.Buffers.Text;
using System.Globalization;
using System.Text;
using System.Text.Json;
using EdgeCache.Storage;

namespace EdgeCache.Edge.Delivery;

/// <summary>
/// The field <c>EdgeCache-Metadata</c>, in which nodes tell each other what HTTP has no field for: base64url of a small JSON object. On a GET or HEAD, <c>?1</c> asks
/// for it; on a PUT it says what to keep with the blob, and the answer has what was kept.
/// </summary>
internal static class MetadataField
{
    public const string Name = "EdgeCache-Metadata";

    /// <summary>The value that asks for it.</summary>
    public const string Ask = "?1";

    /// <summary>Most bytes of JSON; in base64url they still fit into the header of a request.</summary>
    public const int MaxLength = 16 * 1024;

    private const int MaxItems = 1024;
    private const int MaxWriterLength = 256;
    private const int MaxValidatorLength = 512;

    /// <summary>Longest text of the field.</summary>
    private static readonly int MaxEncodedLength = Base64Url.GetEncodedLength(MaxLength);

    /// <summary>The field's text; null when it would be too long.</summary>
    /// <param name="blob">What to tell of.</param>
    /// <param name="effect">What a write did; null otherwise.</param>
    public static string? Write(BlobMetadata blob, PutEffect? effect = null)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            if (blob.Generation > 0)
                json.WriteNumber("generation", blob.Generation);
            if (blob.Created > DateTimeOffset.UnixEpoch)
                json.WriteNumber("created", blob.Created.ToUnixTimeMilliseconds());
            if (effect is { } done)
                json.WriteString("effect", EffectName(done));
            WriteText(json, "writer", blob.Writer);
            WriteText(json, "validator", blob.FarValidator);
            WriteText(json, "crc32c", blob.Checksums?.ToString() ?? "");
            WriteList(json, "tags", blob.Tags, static (j, tag) => j.WriteStringValue(tag));
            WriteList(json, "headers", blob.StoredHeaders, static (j, header) => WritePair(j, header.Key, header.Value));
            WriteList(json, "fields", blob.UnknownFields, static (j, field) => WritePair(j, field.Type.ToString(CultureInfo.InvariantCulture), Convert.ToBase64String(field.Value.Span)));
            json.WriteEndObject();
        }
        if (buffer.WrittenCount > MaxLength)
            return blob.Checksums is null ? null : Write(blob with { Checksums = null }, effect);
        return Base64Url.EncodeToString(buffer.WrittenSpan);
    }

    /// <summary>Reads the field; null when it is malformed, beyond a limit, or would keep what must not be kept.</summary>
    public static PeerMetadata? TryRead(string text)
    {
        if (text.Length > MaxEncodedLength || !Base64Url.IsValid(text))
            return null;
        try
        {
            using var json = JsonDocument.Parse(Base64Url.DecodeFromChars(text), new JsonDocumentOptions { MaxDepth = 3 });
            return json.RootElement.ValueKind == JsonValueKind.Object ? Read(json.RootElement) : null;
        }
        catch (Exception error) when (error is JsonException or FormatException or InvalidOperationException or OverflowException or IndexOutOfRangeException)
        {
            // Not JSON, or a value of another kind than it must be.
            return null;
        }
    }

    private static PeerMetadata? Read(JsonElement json)
    {
        var result = new PeerMetadata
        {
            Generation = json.TryGetProperty("generation", out var generation) ? generation.GetInt64() : 0,
            Created = json.TryGetProperty("created", out var created) ? DateTimeOffset.FromUnixTimeMilliseconds(Math.Clamp(created.GetInt64(), 0, MaxMilliseconds)) : null,
            Effect = json.TryGetProperty("effect", out var effect) ? Array.Find(Enum.GetValues<PutEffect>(), e => effect.ValueEquals(EffectName(e))) : null,
            Writer = ReadText(json, "writer"),
            FarValidator = ReadText(json, "validator"),
            Checksums = ReadText(json, "crc32c"),
            Tags = ReadList(json, "tags", static e => Text(e)),
            StoredHeaders = ReadList(json, "headers", static e => KeyValuePair.Create(Text(e[0]), Text(e[1]))),
            UnknownFields = ReadList(json, "fields", static e => new UnknownField(ushort.Parse(Text(e[0]), NumberStyles.None, CultureInfo.InvariantCulture), e[1].GetBytesFromBase64())),
        };
        return IsGood(result) ? result : null;
    }

    private static readonly long MaxMilliseconds = DateTimeOffset.MaxValue.ToUnixTimeMilliseconds();

    private static bool IsGood(PeerMetadata data) =>
        data.Generation >= 0 && data.Writer.Length <= MaxWriterLength && !data.Writer.Any(char.IsControl) && data.FarValidator.Length <= MaxValidatorLength && KeptFields.IsValue(data.FarValidator)
        && data.Tags.Count <= MaxItems && data.StoredHeaders.Count <= MaxItems && data.UnknownFields.Count <= MaxItems
        && data.Tags.All(t => t.Length > 0 && !t.Any(char.IsControl)) && data.Tags.Sum(Encoding.UTF8.GetByteCount) <= BlobMetadata.MaxTagsLength
        && data.StoredHeaders.Sum(h => h.Key.Length + h.Value.Length) <= BlobMetadata.MaxStoredHeadersLength
        && data.StoredHeaders.All(h => KeptFields.IsKept(h.Key) && KeptFields.IsValue(h.Value));

    private static string EffectName(PutEffect effect) => effect switch
    {
        PutEffect.Created => "created",
        PutEffect.Replaced => "replaced",
        _ => "unchanged",
    };

    private static void WriteText(Utf8JsonWriter json, string name, string value)
    {
        if (value.Length > 0)
            json.WriteString(name, value);
    }

    private static void WritePair(Utf8JsonWriter json, string first, string second)
    {
        json.WriteStartArray();
        json.WriteStringValue(first);
        json.WriteStringValue(second);
        json.WriteEndArray();
    }

    private static void WriteList<T>(Utf8JsonWriter json, string name, IReadOnlyList<T> items, Action<Utf8JsonWriter, T> write)
    {
        if (items.Count == 0)
            return;
        json.WriteStartArray(name);
        foreach (var item in items)
            write(json, item);
        json.WriteEndArray();
    }

    private static string Text(JsonElement value) => value.GetString() ?? throw new FormatException("A text is missing.");

    private static string ReadText(JsonElement json, string name) => json.TryGetProperty(name, out var value) ? value.GetString() ?? "" : "";

    private static List<T> ReadList<T>(JsonElement json, string name, Func<JsonElement, T> read) =>
        json.TryGetProperty(name, out var list) ? [.. list.EnumerateArray().Select(read)] : [];
}

/// <summary>What a peer tells of a blob beside what HTTP has fields for.</summary>
internal sealed record PeerMetadata
{
    /// <summary>The generation at the peer; 0 when it does not say.</summary>
    public long Generation { get; init; }

    public DateTimeOffset? Created { get; init; }

    public PutEffect? Effect { get; init; }

    public string Writer { get; init; } = "";

    public string FarValidator { get; init; } = "";

    /// <summary>Checksums of the content's blocks, as <see cref="BlockChecksums.TryParse"/> takes them; empty for none.</summary>
    public string Checksums { get; init; } = "";

    public IReadOnlyList<string> Tags { get; init; } = [];

    public IReadOnlyList<KeyValuePair<string, string>> StoredHeaders { get; init; } = [];

    public IReadOnlyList<UnknownField> UnknownFields { get; init; } = [];
}
