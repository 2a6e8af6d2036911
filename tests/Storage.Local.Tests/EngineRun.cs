using EdgeCache.Codecs.Choosing;
using EdgeCache.Storage.Local.Disk;
using EdgeCache.Storage.Local.Files;
using EdgeCache.Storage.Local.Segments;
using EdgeCache.Storage.Local.Tests.Simulation;
using EdgeCache.TestKit;
using Microsoft.Extensions.Logging.Abstractions;

namespace EdgeCache.Storage.Local.Tests;

/// <summary>One run of a scenario: the real store on a simulated disk, and short ways to use it that record what was asked and answered.</summary>
internal sealed class EngineRun(IFileSystem disk, History history, bool rebuildsWhileItServes = false)
{
    private const string Root = "/store";
    private static readonly TimeSpan RebuildTimeout = TimeSpan.FromSeconds(1);

    // Small, so that a few blobs fill a segment and "large" begins at 8 KiB.
    private static readonly CompressionPolicy Compression = new() { MinLength = 256 };
    private static readonly LocalStoreOptions Options = new() { Path = Root, MaxBytes = 4 << 20, MinFreeBytes = 0, Compression = static _ => Compression, CpuPressure = new Idle() };

    // Short: after a crash the rebuild never ends, and the scenario goes on.
    private static readonly LocalStoreOptions Rebuilding = Options with { ReplayAtOnceBytes = -1, RoomTimeout = TimeSpan.FromMilliseconds(100) };
    private readonly HookedFiles _disk = new(disk);
    private LocalStore? _store;
    private int _opened;
    private bool _isDeferring;

    public static StoreLayout Layout { get; } = new(Root);

    public static HashSecret Secret { get; } = new(1, 2);

    /// <summary>Stands for the marker, which is not written through the seam: while it is there the folder is of format 1.</summary>
    public static string FormatOneMark => Path.Combine(Root, "format-one");

    public History History => history;

    private LocalStore Store => _store ?? throw new InvalidOperationException("No store is open.");

    /// <summary>Opens the store on what a crash left.</summary>
    /// <param name="files">The disk.</param>
    /// <param name="rebuildsWhileItServes">Whether the index is brought to the log's state in the background, however little there is to read.</param>
    public static Task<LocalStore> OpenAsync(IFileSystem files, bool rebuildsWhileItServes = false) => OpenAsync(files, rebuildsWhileItServes, FrozenClock.AfterTheCrash);

    /// <summary>Opens the store, has the work done and closes it.</summary>
    public async Task WithStoreAsync(Func<Task> work)
    {
        // Each time a little later, as it would be.
        await using var store = await OpenAsync(_disk, rebuildsWhileItServes, TimeSpan.FromSeconds(++_opened), _ => _isDeferring ? CompressionPolicy.Off : Compression);
        _store = store;
        if (disk.Exists(FormatOneMark))
        {
            disk.Delete(FormatOneMark);
            disk.SyncFolder(Root);
        }
        await work();
    }

    public Task<StoreStatus> PutAsync(string key, int length, int seed) => history.PutAsync(Store, Blobs.Key(key), Blobs.Bytes(length, seed));

    /// <summary>Content that shrinks, which is stored as frames.</summary>
    public Task<StoreStatus> PutTextAsync(string key, int length, int seed) => history.PutAsync(Store, Blobs.Key(key), Contents.Text(length, seed));

    /// <summary>Content that shrinks, stored as it is.</summary>
    public async Task DeferTextAsync(string key, int length, int seed)
    {
        _isDeferring = true;
        await PutTextAsync(key, length, seed);
        _isDeferring = false;
    }

    /// <summary>Stores it compressed. Where the disk fails it stays as it is.</summary>
    public async Task CompressAsync(string key)
    {
        try
        {
            await Store.CompressStoredAsync(KeyHash.Of(Blobs.Key(key), Secret), static _ => Task.CompletedTask, CancellationToken.None);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // As whoever does it in the background takes it.
        }
    }

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
    public async Task EvictAsync(params string[] mayGo)
    {
        foreach (var key in mayGo)
            history.MayEvict(Blobs.Key(key));
        var had = history.Keys.Where(k => Store.Entry(k) is not null).ToDictionary(k => k, k => Store.Entry(k)!.Value.Frequency);
        var (refusals, counted) = (_disk.Refusals, Evictions);
        await EmptyAsync(keepAll: false);
        var gone = had.Keys.Where(k => Store.Entry(k) is null).ToList();
        Expect(Evictions - counted == gone.Count, $"The store says that it evicted {Evictions - counted} blobs, and {string.Join(", ", gone)} went.");
        // What is counted, and nothing else. A blob that a failing disk kept from being deleted before may go too; one that was asked for goes where nothing can be copied.
        foreach (var key in gone.Where(key => !mayGo.Contains(key.Key, StringComparer.Ordinal)))
        {
            Expect(had[key] == 0 || _disk.Refusals > refusals, $"{key} was asked for, and evicted from a disk that has room.");
            history.MayEvict(key);
        }
    }

    /// <summary>Ends the active segments: what comes next goes to new ones.</summary>
    public async Task SealAsync()
    {
        await Store.Internals.Log.SealAsync(SegmentClass.Probation);
        await Store.Internals.Log.SealAsync(SegmentClass.Main);
    }

    /// <summary>Empties the segments on probation, keeping what is in them: what was asked for goes to the main segment, which stays active.</summary>
    public async Task EmptyProbationAsync()
    {
        await Store.Internals.Log.SealAsync(SegmentClass.Probation);
        foreach (var segment in Store.Internals.Segments.List().Where(s => s.IsSealed && s.Class == SegmentClass.Probation))
            await Store.EmptyAsync(segment, keepAll: true);
    }

    /// <summary>Has a blob deleted in the instant in which the youngest segment on probation is about to go. Nothing, if a fault left none.</summary>
    public void DeleteWhenProbationGoes(string key)
    {
        // Of what is emptied, and of no other: the log's own thread deletes a segment that it could not make.
        if (Store.Internals.Segments.List().LastOrDefault(s => s.Class == SegmentClass.Probation) is not { } segment)
            return;
        _disk.OnDelete = path =>
        {
            if (!path.EndsWith($"{segment.Id:x8}.seg", StringComparison.Ordinal))
                return;
            _disk.OnDelete = null;
            DeleteAsync(key).GetAwaiter().GetResult();
        };
    }

    private long Evictions => Store.State.Namespaces.Sum(n => n.EvictedForCapacity);

    private static void Expect(bool condition, string message)
    {
        if (!condition)
            throw new SimulatedExpectationException(message);
    }

    // A layout of its own: it numbers the temporary files, and the same run is to have the same names.
    private static Task<LocalStore> OpenAsync(IFileSystem files, bool rebuildsWhileItServes, TimeSpan time, Func<string, CompressionPolicy>? compression = null) => LocalStore.OpenAsync(
        (rebuildsWhileItServes ? Rebuilding : Options) with { Compression = compression ?? Options.Compression },
        new StoreLayout(Root),
        files,
        null,
        (Secret, files.Exists(FormatOneMark) ? 1 : StoreMarker.Format),
        new FrozenClock(time),
        NullLogger.Instance);

    private async Task EmptyAsync(bool keepAll)
    {
        // Nothing is emptied before the index is complete, which it never is on a disk that has stopped.
        if (rebuildsWhileItServes && await Task.WhenAny(Store.Rebuilt, Task.Delay(RebuildTimeout, TimeProvider.System)) != Store.Rebuilt)
            return;
        await SealAsync();
        foreach (var segment in Store.Internals.Segments.List().Where(s => s.IsSealed))
            await Store.EmptyAsync(segment, keepAll);
    }
}
