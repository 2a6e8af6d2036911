using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace EdgeCache.Storage.Local.Disk;

/// <summary>The file that says which format a store's folder has, and holds the secret of its key hash.</summary>
internal static partial class StoreMarker
{
    public const int Format = 1;
    private const int SecretLength = 16;
    private const int MaxLength = 64 * 1024;

    /// <summary>Reads the marker, or makes one for a new folder.</summary>
    /// <exception cref="StoreUnavailableException">The folder has a newer format, or its marker can't be understood.</exception>
    public static HashSecret Open(StoreLayout layout)
    {
        if (!File.Exists(layout.Marker))
            return Create(layout);
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
            return HashSecret.FromBytes(secret);
        }
        catch (Exception error) when (error is JsonException or FormatException)
        {
            throw Unreadable(layout, error);
        }
    }

    private static StoreUnavailableException Unreadable(StoreLayout layout, Exception? error) =>
        new($"'{layout.Marker}' can't be understood. Restore it, or remove it: the store then rebuilds itself from the blobs.", error);

    private static HashSecret Create(StoreLayout layout)
    {
        var secret = RandomNumberGenerator.GetBytes(SecretLength);
        var temporary = layout.NewTemporaryPath();
        // A start that was killed may have left a file of this name: process ids repeat.
        using (var file = PrivateFile.Open(temporary, FileMode.Create, FileShare.None))
        {
            JsonSerializer.Serialize(file, new Content(Format, Convert.ToHexStringLower(secret)), MarkerJson.Default.Content);
            file.Flush(flushToDisk: true);
        }
        File.Move(temporary, layout.Marker);
        Posix.SyncFolder(layout.Root);
        return HashSecret.FromBytes(secret);
    }

    /// <summary>All that can be said of any version's marker.</summary>
    internal sealed record Version(int Format);

    internal sealed record Content(int Format, string KeyHashSecret);

    [JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true, RespectNullableAnnotations = true, RespectRequiredConstructorParameters = true)]
    [JsonSerializable(typeof(Version))]
    [JsonSerializable(typeof(Content))]
    private sealed partial class MarkerJson : JsonSerializerContext;
}
