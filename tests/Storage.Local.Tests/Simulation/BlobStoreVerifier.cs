using EdgeCache.Storage.Local.Files;
using EdgeCache.TestKit;

namespace EdgeCache.Storage.Local.Tests.Simulation;

/// <summary>
/// Opens a store on what a crash left and compares it with the history: acknowledged is there or superseded, not acknowledged is whole or not there, nothing is
/// torn, nothing comes from nowhere. Then the store must take a new blob, and must answer the same after another crash and after a clean close.
/// </summary>
/// <remarks>Eviction is not modelled: give the store room enough.</remarks>
internal sealed class BlobStoreVerifier(Func<IFileSystem, Task<IBlobStore>> open)
{
    private const int StatesOfRecovery = 12;

    private static readonly BlobKey NewKey = BlobKey.Create("test", "", "put-after-the-crash");
    private static readonly byte[] NewContent = Blobs.Bytes(1000, seed: 99);

    /// <summary>Verifies one state.</summary>
    /// <exception cref="SimulatedExpectationException">The store does not keep its promises.</exception>
    public async Task VerifyAsync(DiskImage image, History history)
    {
        var keys = history.Keys;
        var disk = SimulatedDisk.FromImage(image);
        Dictionary<BlobKey, Sha256Digest?> answers;
        DiskImage crashed;
        await using (var store = await open(disk))
        {
            answers = await ReadAsync(store, keys, "after recovery");
            foreach (var (key, answer) in answers)
            {
                var allowed = history.Allowed(key);
                Expect(allowed.Contains(answer), $"{key} has {Words(answer)}; allowed: {string.Join(" or ", allowed.Select(Words))}.");
            }
            await CheckListingAsync(store, answers, "after recovery");

            var put = await store.PutAsync(NewKey, NewContent);
            Expect(put.IsOk, $"A new blob is refused after recovery: {put.Status} {put.Detail}");
            answers[NewKey] = RecordedStore.DigestOf(NewContent);
            await CheckSameAsync(store, answers, "after a new blob");
            crashed = disk.NothingKept();
        }
        await ReopenAsync(crashed, answers, "after a second crash");
        await ReopenAsync(disk.EverythingKept(), answers, "after a clean close");
    }

    /// <summary>Verifies one state, and every state after a crash at each call of its recovery. Many times as slow: for a matrix of few states.</summary>
    /// <exception cref="SimulatedExpectationException">The store does not keep its promises.</exception>
    public async Task VerifyWithRecoveryCrashesAsync(DiskImage image, History history)
    {
        await VerifyAsync(image, history);
        var recovery = new CrashMatrix(image, OpenAndCloseAsync, (after, _) => VerifyAsync(after, history)) { MaxStates = StatesOfRecovery, MaxFailures = 1 };
        var report = await recovery.RunAsync();
        Expect(report.Failures.Count == 0, $"A crash within the recovery: {report}\nThe crash before it:");
    }

    private async Task OpenAndCloseAsync(SimulatedDisk disk, History history)
    {
        await using var store = await open(disk);
    }

    private async Task ReopenAsync(DiskImage image, Dictionary<BlobKey, Sha256Digest?> answers, string when)
    {
        await using var store = await open(SimulatedDisk.FromImage(image));
        await CheckSameAsync(store, answers, when);
        await CheckListingAsync(store, answers, when);
    }

    private static async Task CheckSameAsync(IBlobStore store, Dictionary<BlobKey, Sha256Digest?> answers, string when)
    {
        foreach (var (key, answer) in await ReadAsync(store, answers.Keys, when))
            Expect(answer == answers[key], $"{key} has {Words(answer)} {when}; it had {Words(answers[key])} before.");
    }

    private static async Task CheckListingAsync(IBlobStore store, Dictionary<BlobKey, Sha256Digest?> answers, string when)
    {
        var expected = answers.Where(a => a.Value is not null).Select(a => a.Key).ToHashSet();
        foreach (var @namespace in answers.Keys.Select(k => k.Namespace).Distinct())
        {
            await foreach (var line in store.ListAsync(new BlobPrefix(@namespace), CancellationToken.None))
                Expect(expected.Remove(line.Key), $"{line.Key} is listed {when}, and is not there or was listed before.");
        }
        Expect(expected.Count == 0, $"{string.Join(", ", expected)} is there {when} and not listed.");
    }

    private static async Task<Dictionary<BlobKey, Sha256Digest?>> ReadAsync(IBlobStore store, IEnumerable<BlobKey> keys, string when)
    {
        var answers = new Dictionary<BlobKey, Sha256Digest?>();
        foreach (var key in keys)
            answers[key] = await ReadAsync(store, key, when);
        return answers;
    }

    private static async Task<Sha256Digest?> ReadAsync(IBlobStore store, BlobKey key, string when)
    {
        var stat = await store.StatAsync(key, CancellationToken.None);
        var opened = await store.OpenReadAsync(key, ByteRange.Whole, CancellationToken.None);
        Expect(opened.Status is StoreStatus.Ok or StoreStatus.Missing, $"{key} can't be opened {when}: {opened.Status} {opened.Detail}");
        Expect(stat.Status == opened.Status, $"{key} is {stat.Status} to a stat and {opened.Status} to an open, {when}.");
        if (!opened.IsOk)
            return null;
        await using var reader = opened.Value;
        var metadata = reader.Metadata;
        var content = new byte[metadata.Length];
        await reader.ReadFullyAsync(0, content);
        var digest = RecordedStore.DigestOf(content);
        Expect(digest == metadata.Sha256, $"{key} is torn {when}: content {Words(digest)}, metadata {Words(metadata.Sha256)}.");
        Expect(metadata.Key == key, $"{key} has the metadata of {metadata.Key} {when}.");
        Expect(stat.Value!.Sha256 == digest && stat.Value.Length == metadata.Length, $"{key} has other metadata to a stat than to an open, {when}.");
        return digest;
    }

    private static string Words(Sha256Digest? digest) => digest switch { null => "no blob", { IsKnown: true } value => value.ToHex()[..8], _ => "zeros" };

    private static void Expect(bool condition, string message)
    {
        if (!condition)
            throw new SimulatedExpectationException(message);
    }
}
