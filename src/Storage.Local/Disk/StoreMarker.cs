using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization;
using EdgeCache.Storage.Local.Files;
using EdgeCache.Storage.Local.Segments;

namespace EdgeCache.Storage.Local.Disk;

/// <summary>The file that says which format a store's folder has, and holds the secret of its key hash.</summary>
internal static partial class StoreMarker
{
    /// <summary>1: every blob has a file. 2: small blobs are in segments; files are as before.</summary>
    public const int Format = 2;
    private const int SecretLength = 16;
    private const int MaxLength = 64 * 1024;

    /// <summary>Reads the marker, or makes one for a new folder or one that lost it. A marker of an older format is written anew: from now on, only this version may open the folder.</summary>
    /// <returns>The secret, and the format that the folder had; 0 where that is not known, or a takeover was not finished.</returns>
    /// <exception cref="StoreUnavailableException">The folder has a newer format, or its marker can't be understood.</exception>
    public static (HashSecret Secret, int Format) Open(StoreLayout layout, IFileSystem files)
    {
        if (!File.Exists(layout.Marker))
        {
            var made = SegmentSet.FindSecret(layout.Segments, files) ?? HashSecret.FromBytes(RandomNumberGenerator.GetBytes(SecretLength));
            Write(layout, new Content(Format, Text(made), TakingOver: true));
            return (made, 0);
        }
        try
        {
            if (new FileInfo(layout.Marker).Length > MaxLength)
                throw Unreadable(layout, null);
            var bytes = File.ReadAllBytes(layout.Marker);
            if (JsonSerializer.Deserialize(bytes, MarkerJson.Default.Version) is { Format: > Format } newer)
            {
                throw new StoreUnavailableException(
                    $"The store folder '{layout.Root}' has format {newer.Format}, written by a newer EdgeCache; this one knows formats up to {Format}. "
                    + "Use the newer version, or another folder.");
            }
            var content = JsonSerializer.Deserialize(bytes, MarkerJson.Default.Content);
            if (content is not { Format: > 0 } || Convert.FromHexString(content.KeyHashSecret) is not { Length: SecretLength } secret)
                throw Unreadable(layout, null);
            if (content.Format < Format)
                Write(layout, content with { Format = Format, TakingOver = true });
            return (HashSecret.FromBytes(secret), content.TakingOver ? 0 : content.Format);
        }
        catch (Exception error) when (error is JsonException or FormatException)
        {
            throw Unreadable(layout, error);
        }
    }

    /// <summary>All files of an older format have got their records: from now on, a start need not look at the files before it serves.</summary>
    public static void EndTakeover(StoreLayout layout, HashSecret secret) => Write(layout, new Content(Format, Text(secret)));

    private static string Text(HashSecret secret)
    {
        Span<byte> bytes = stackalloc byte[SecretLength];
        secret.CopyTo(bytes);
        return Convert.ToHexStringLower(bytes);
    }

    private static StoreUnavailableException Unreadable(StoreLayout layout, Exception? error) =>
        new($"'{layout.Marker}' can't be understood. Restore it, or remove it: the store then rebuilds itself from the blobs.", error);

    private static void Write(StoreLayout layout, Content content)
    {
        var temporary = layout.NewTemporaryPath();
        // A start that was killed may have left a file of this name: process ids repeat.
        using (var file = PrivateFile.Open(temporary, FileMode.Create, FileShare.None))
        {
            JsonSerializer.Serialize(file, content, MarkerJson.Default.Content);
            file.Flush(flushToDisk: true);
        }
        File.Move(temporary, layout.Marker, overwrite: true);
        Posix.SyncFolder(layout.Root);
    }

    /// <summary>All that can be said of any version's marker.</summary>
    internal sealed record Version(int Format);

    /// <summary>This version's marker. While files of an older format are taken over it says so, because a start that was killed has to be done again.</summary>
    internal sealed record Content(int Format, string KeyHashSecret, [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] bool TakingOver = false);

    [JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true, RespectNullableAnnotations = true, RespectRequiredConstructorParameters = true)]
    [JsonSerializable(typeof(Version))]
    [JsonSerializable(typeof(Content))]
    private sealed partial class MarkerJson : JsonSerializerContext;
}
