using System.Security.Cryptography;
using EdgeCache.TestKit;
using Microsoft.Extensions.Time.Testing;

namespace EdgeCache.Storage.Local.Tests;

/// <summary>A folder with a store in it that a test opens, closes and tampers with.</summary>
public abstract class LocalStoreTest : IDisposable
{
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
