using EdgeCache.Storage.Local.Disk;
using EdgeCache.Storage.Local.Files;
using EdgeCache.Storage.Local.Index;
using EdgeCache.Storage.Local.Segments;
using EdgeCache.Storage.Local.Tests.Simulation;
using EdgeCache.TestKit;
using Microsoft.Extensions.Logging.Abstractions;

namespace EdgeCache.Storage.Local.Tests;

/// <summary>
/// A store on a simulated disk evicts what a namespace has too much of, and is crashed at every call. What was evicted may be there after the crash, whole and in its last version, or not; what was
/// written or deleted after that holds.
/// </summary>
public sealed class NamespaceCrashTests
{
    private const string Root = "/store";
    private const int MaxStates = 12;
    private static readonly StoreLayout Layout = new(Root);
    private static readonly LocalStoreOptions Options = new() { Path = Root, MaxBytes = 4 << 20, MinFreeBytes = 0 };

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_crash_brings_back_nothing_wrong_of_what_was_evicted(bool forgetIndex) =>
        (await Matrix(forgetIndex, FaultKind.Crash).RunAsync()).ShouldBeSound();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Nor_does_a_failing_disk(bool forgetIndex) =>
        (await Matrix(forgetIndex, FaultKind.IoError, FaultKind.ShortWrite).RunAsync()).ShouldBeSound();

    private static CrashMatrix Matrix(bool forgetIndex, params FaultKind[] faults) =>
        new(DiskImage.Empty([.. Layout.Folders()]), RunAsync, new BlobStoreVerifier(files => OpenAsync(files, forgetIndex)).VerifyAsync) { MaxStates = MaxStates, Faults = faults, MaxFailures = 3 };

    private static async Task<IBlobStore> OpenAsync(IFileSystem files, bool forgetIndex)
    {
        if (forgetIndex)
            files.Delete(Layout.Snapshot);
        return await OpenAsync(files, FrozenClock.AfterTheCrash);
    }

    private static Task<LocalStore> OpenAsync(IFileSystem files, TimeSpan time) =>
        LocalStore.OpenAsync(Options, new StoreLayout(Root), files, null, (new HashSecret(1, 2), StoreMarker.Format), new FrozenClock(time), NullLogger.Instance);

    private static async Task RunAsync(SimulatedDisk disk, History history)
    {
        await using var store = await OpenAsync(disk, TimeSpan.Zero);
        await PutAsync("a", 500, 1);
        await PutAsync("a", 600, 2);
        await PutAsync("b", 20_000, 3);
        await PutAsync("b", 30_000, 4);
        await PutAsync("c", 700, 5);
        await PutAsync("c", 12_000, 6);
        await EvictAsync("a", "b", "c");
        await PutAsync("a", 800, 7);
        await DeleteAsync("b");
        await EvictAsync("a");
        await CompactAsync(store);
        await DeleteAsync("a");
        await PutAsync("b", 900, 8);

        Task PutAsync(string key, int length, int seed) => history.PutAsync(store, Blobs.Key(key), Blobs.Bytes(length, seed), new PutOptions { Replace = true });

        async Task DeleteAsync(string key)
        {
            // That it is missing already is an answer too, which a crash must not take back.
            var attempt = history.Attempt(Blobs.Key(key), null);
            var outcome = await store.DeleteAsync(Blobs.Key(key), null, CancellationToken.None);
            if (outcome.Status is StoreStatus.Ok or StoreStatus.Missing)
                history.Acknowledge(attempt);
            else
                history.Fail(attempt);
        }

        async Task EvictAsync(params string[] keys)
        {
            // Nobody is told of an eviction: for who looks at the store it is a deletion that may have happened.
            var attempts = keys.Select(key => history.Attempt(Blobs.Key(key), null)).ToList();
            var chosen = new List<IndexEntry>();
            foreach (var key in keys)
            {
                if (store.Entry(Blobs.Key(key)) is { } entry)
                    chosen.Add(entry);
            }
            try
            {
                await store.EvictAllAsync(chosen, EvictionReason.Quota);
            }
            finally
            {
                attempts.ForEach(history.Fail);
            }
        }
    }

    private static async Task CompactAsync(LocalStore store)
    {
        var (segments, log) = store.Internals;
        await log.SealAsync(SegmentClass.Probation);
        await log.SealAsync(SegmentClass.Main);
        foreach (var segment in segments.List().Where(s => s.IsSealed))
            await store.EmptyAsync(segment, keepAll: true);
    }
}
