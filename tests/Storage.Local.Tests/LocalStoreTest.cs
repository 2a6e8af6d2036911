using System.Security.Cryptography;
using EdgeCache.TestKit;
using Microsoft.Extensions.Time.Testing;

namespace EdgeCache.Storage.Local.Tests;

/// <summary>A folder with a store in it that a test opens, closes and tampers with.</summary>
public abstract class LocalStoreTest : IDisposable
{
    private const string SecretText = "000102030405060708090a0b0c0d0e0f";
    private readonly TestFolder _folder = new();

    protected static CancellationToken Cancel => TestContext.Current.CancellationToken;

    protected string Root => _folder.Path;

    protected string BlobsFolder => Path.Combine(Root, "blobs");

    protected string TemporaryFolder => Path.Combine(Root, "tmp");

    protected string QuarantineFolder => Path.Combine(Root, "quarantine");

    private protected RecordingLogger Logger { get; } = new();

    public void Dispose()
    {
        _folder.Dispose();
        GC.SuppressFinalize(this);
    }

    protected Task<LocalStore> OpenAsync(long maxBytes = 1L << 30, TimeProvider? time = null) => OpenAsync(Options with { MaxBytes = maxBytes }, time);

    protected Task<LocalStore> OpenAsync(LocalStoreOptions options, TimeProvider? time = null) =>
        LocalStore.OpenAsync(options, time ?? TimeProvider.System, Logger, Cancel);

    protected LocalStoreOptions Options => new() { Path = Root, MinFreeBytes = 0 };

    protected string Marker => Path.Combine(Root, "edgecache-store.json");

    protected string SegmentsFolder => Path.Combine(Root, "segments");

    protected string Snapshot => Path.Combine(Root, "index.snapshot");

    /// <summary>The files of the log, oldest first.</summary>
    protected string[] SegmentFiles() => [.. Directory.GetFiles(SegmentsFolder).Order(StringComparer.Ordinal)];

    /// <summary>The only file of the log.</summary>
    protected string SegmentFile() => SegmentFiles().ShouldHaveSingleItem();

    /// <summary>Makes a folder as the first version left it, in which every blob is a file without a generation in its name.</summary>
    protected async Task MakeFormatOneAsync()
    {
        foreach (var folder in Enumerable.Range(0, 256).Select(i => Path.Combine(BlobsFolder, $"{i:x2}")).Append(TemporaryFolder).Append(QuarantineFolder))
            Directory.CreateDirectory(folder);
        await WriteMarkerAsync(1);
    }

    protected Task WriteMarkerAsync(int format) => File.WriteAllTextAsync(Marker, $$"""{"format":{{format}},"keyHashSecret":"{{SecretText}}"}""", Cancel);

    /// <summary>Where the first version put a blob, in a folder with the marker of <see cref="MakeFormatOneAsync"/>.</summary>
    protected string FormatOnePath(BlobKey key)
    {
        var hash = KeyHash.Of(key, HashSecret.FromBytes(Convert.FromHexString(SecretText))).ToString();
        return Path.Combine(BlobsFolder, hash[..2], hash);
    }

    /// <summary>Puts a blob's file where the first version had it, in a folder of any format.</summary>
    protected async Task PlaceFormatOneAsync(string name, byte[] image)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(PlaceFor(name))!);
        await File.WriteAllBytesAsync(PlaceFor(name), image, Cancel);
    }

    /// <summary>Changes one byte.</summary>
    protected static async Task FlipAsync(string path, long offset)
    {
        var bytes = await File.ReadAllBytesAsync(path, Cancel);
        bytes[offset] ^= 0x40;
        await File.WriteAllBytesAsync(path, bytes, Cancel);
    }

    /// <summary>Files that by place and name are blobs.</summary>
    protected string[] BlobFiles() => Directory.GetFiles(BlobsFolder, "*", SearchOption.AllDirectories);

    /// <summary>The file of the only blob.</summary>
    protected string BlobFile() => BlobFiles().ShouldHaveSingleItem();

    /// <summary>A place where a blob could be.</summary>
    protected string PlaceFor(string name)
    {
        var hash = Convert.ToHexStringLower(HashOf(name));
        return Path.Combine(BlobsFolder, hash[..2], hash);
    }

    protected static FakeTimeProvider Clock() => new(new DateTimeOffset(2026, 1, 1, 0, 0, 0, 123, TimeSpan.Zero));

    /// <summary>Content that looks random and is the same for ever: golden files depend on it.</summary>
    protected static byte[] FrozenContent(int length)
    {
        var state = 0x12345678u;
        var content = new byte[length];
        for (var i = 0; i < length; i++)
        {
            state = unchecked((state * 1664525) + 1013904223);
            content[i] = (byte)(state >> 24);
        }
        return content;
    }

    private static byte[] HashOf(string name) => SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(name))[..16];
}
