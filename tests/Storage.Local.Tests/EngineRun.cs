using EdgeCache.Storage.Local.Disk;
using EdgeCache.Storage.Local.Files;
using EdgeCache.Storage.Local.Segments;
using EdgeCache.Storage.Local.Tests.Simulation;
using EdgeCache.TestKit;
using Microsoft.Extensions.Logging.Abstractions;

namespace EdgeCache.Storage.Local.Tests;

/// <summary>One run of a scenario: the real store on a simulated disk, and short ways to use it that record what was asked and answered.</summary>
internal sealed class EngineRun(IFileSystem disk, History history)
{
    private const string Root = "/store";

    // Small, so that a few blobs fill a segment and "large" begins at 8 KiB.
    private static readonly LocalStoreOptions Options = new() { Path = Root, MaxBytes = 4 << 20, MinFreeBytes = 0 };
    private LocalStore? _store;

    public static StoreLayout Layout { get; } = new(Root);

    public static HashSecret Secret { get; } = new(1, 2);

    /// <summary>Stands for the marker, which is not written through the seam: while it is there the folder is of format 1.</summary>
    public static string FormatOneMark => Path.Combine(Root, "format-one");

    public History History => history;

    private LocalStore Store => _store ?? throw new InvalidOperationException("No store is open.");

    public static Task<LocalStore> OpenAsync(IFileSystem files) => LocalStore.OpenAsync(
        Options, Layout, files, null, (Secret, files.Exists(FormatOneMark) ? 1 : StoreMarker.Format), TimeProvider.System, NullLogger.Instance);

    /// <summary>Opens the store, has the work done and closes it.</summary>
    public async Task WithStoreAsync(Func<Task> work)
    {
        await using var store = await OpenAsync(disk);
        _store = store;
        if (disk.Exists(FormatOneMark))
        {
            disk.Delete(FormatOneMark);
            disk.SyncFolder(Root);
        }
        await work();
    }

    public Task<StoreStatus> PutAsync(string key, int length, int seed) => history.PutAsync(Store, Blobs.Key(key), Blobs.Bytes(length, seed));

    /// <summary>As to a namespace whose blobs never change: the same bytes again are fine, others are refused.</summary>
    public Task<StoreStatus> PutOnceAsync(string key, int length, int seed) => history.PutAsync(Store, Blobs.Key(key), Blobs.Bytes(length, seed), new PutOptions());

    public Task<StoreStatus> DeleteAsync(string key) => history.DeleteAsync(Store, Blobs.Key(key));

    /// <summary>Somebody asks for it, so eviction keeps it.</summary>
    public Task TouchAsync(string key) => Store.TryGetAsync(Blobs.Key(key));

    public Task SnapshotAsync() => Store.WriteSnapshotAsync();

    /// <summary>Empties every segment, keeping what is in it.</summary>
    public Task CompactAsync() => EmptyAsync(keepAll: true);

    /// <summary>Empties every segment, keeping what was asked for.</summary>
    /// <param name="mayGo">The others, which this may evict.</param>
    public Task EvictAsync(params string[] mayGo)
    {
        foreach (var key in mayGo)
            history.MayEvict(Blobs.Key(key));
        return EmptyAsync(keepAll: false);
    }

    /// <summary>Ends the active segments: what comes next goes to new ones.</summary>
    public async Task SealAsync()
    {
        await Store.Internals.Log.SealAsync(SegmentClass.Probation);
        await Store.Internals.Log.SealAsync(SegmentClass.Main);
    }

    private async Task EmptyAsync(bool keepAll)
    {
        await SealAsync();
        foreach (var segment in Store.Internals.Segments.List().Where(s => s.IsSealed))
            await Store.EmptyAsync(segment, keepAll);
    }
}
