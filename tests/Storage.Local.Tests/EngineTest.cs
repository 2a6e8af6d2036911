using EdgeCache.Storage.Local.Disk;
using EdgeCache.Storage.Local.Files;
using EdgeCache.Storage.Local.Segments;

namespace EdgeCache.Storage.Local.Tests;

/// <summary>A store in a real folder, behind a file system with hooks, and what a test does to its log.</summary>
public abstract class EngineTest : LocalStoreTest
{
    private protected static readonly HashSecret Secret = new(1, 2);

    protected static PutOptions Replace => new() { Replace = true };

    private protected HookedFiles Files() => new(new DiskFileSystem(Root));

    private protected Task<LocalStore> OpenAsync(
        HookedFiles files, long replayAtOnce = 1 << 30, TimeSpan? roomTimeout = null, TimeProvider? time = null, long maxBytes = 1L << 30, NamespaceLimits? limits = null, string? root = null)
    {
        var layout = new StoreLayout(root ?? Root);
        layout.Create();
        var options = Options with { Path = layout.Root, MaxBytes = maxBytes, ReplayAtOnceBytes = replayAtOnce, RoomTimeout = roomTimeout ?? TimeSpan.FromSeconds(30), Limits = _ => limits ?? NamespaceLimits.None };
        return LocalStore.OpenAsync(options, layout, files, null, (Secret, StoreMarker.Format), time ?? TimeProvider.System, Logger);
    }

    /// <summary>Ends the active segments.</summary>
    private protected static Task SealAsync(LocalStore store) => store.Internals.Log.SealAllAsync();

    private protected static Segment Youngest(LocalStore store) => store.Internals.Segments.List()[^1];

    /// <summary>Overwrites bytes of a file that the store has open.</summary>
    protected static void Overwrite(string path, long offset, params byte[] bytes)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete);
        file.Position = offset;
        file.Write(bytes);
    }

    protected static byte[] ReadShared(string path)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        var bytes = new byte[file.Length];
        file.ReadExactly(bytes);
        return bytes;
    }
}
