using EdgeCache.Storage;
using EdgeCache.Storage.Local;
using Microsoft.Extensions.Logging.Abstractions;

namespace EdgeCache.Bench.Start;

/// <summary>A store in the process of the measurement: fills the folder, and tells what the index takes.</summary>
internal sealed class Filler(string folder, int blobs)
{
    public const string MaxSize = "64GiB";
    private const int Length = 1024;
    private const int Writers = 512;

    public static string PathOf(int number) => $"/artifacts/{NameOf(number)}";

    /// <summary>Fills the folder if it is not full already; all through the store's contract, every blob synced.</summary>
    /// <returns>Blobs a second; null when there was nothing to do.</returns>
    public async Task<double?> FillAsync(CancellationToken cancel)
    {
        await using var store = await OpenAsync(cancel);
        if (store.State.Blobs >= blobs)
            return null;
        var began = TimeProvider.System.GetTimestamp();
        var next = -1;
        await Task.WhenAll(Enumerable.Range(0, Writers).Select(writer => Task.Run(async () =>
        {
            var random = new Random(writer);
            var content = new byte[Length];
            while (Interlocked.Increment(ref next) is var number && number < blobs)
            {
                random.NextBytes(content);
                await PutAsync(store, NameOf(number), content, cancel);
            }
        }, cancel)));
        return blobs / TimeProvider.System.GetElapsedTime(began).TotalSeconds;
    }

    /// <summary>What the managed heap grows by when the store is opened, in bytes; and how long opening takes.</summary>
    public async Task<(double Bytes, TimeSpan Time)> MeasureHeapAsync(CancellationToken cancel)
    {
        var before = GC.GetTotalMemory(forceFullCollection: true);
        var began = TimeProvider.System.GetTimestamp();
        await using var store = await OpenAsync(cancel);
        var time = TimeProvider.System.GetElapsedTime(began);
        return (GC.GetTotalMemory(forceFullCollection: true) - before, time);
    }

    private static string NameOf(int number) => $"blob-{number:d8}";

    private Task<LocalStore> OpenAsync(CancellationToken cancel) =>
        LocalStore.OpenAsync(new LocalStoreOptions { Path = folder, MaxBytes = 64L << 30, MinFreeBytes = 0 }, TimeProvider.System, NullLogger.Instance, cancel);

    private static async Task PutAsync(LocalStore store, string name, byte[] content, CancellationToken cancel)
    {
        var opened = await store.OpenWriteAsync(BlobKey.Create("artifacts", "", name), new PutOptions { Replace = true, ExpectedLength = content.Length }, cancel);
        await using var writer = opened.IsOk ? opened.Value : throw new InvalidOperationException($"{name}: {opened.Status} {opened.Detail}");
        var status = await writer.WriteAsync(content, cancel);
        var outcome = status == StoreStatus.Ok ? await writer.CommitAsync(cancel) : status;
        if (!outcome.IsOk)
            throw new InvalidOperationException($"{name}: {outcome.Status} {outcome.Detail}");
    }
}
