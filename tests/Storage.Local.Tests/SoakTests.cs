using System.Buffers.Binary;
using EdgeCache.TestKit;
using Microsoft.Extensions.Logging.Abstractions;

namespace EdgeCache.Storage.Local.Tests;

/// <summary>
/// Writers, deleters and readers on a store that is too small for them, closed and opened again now and then. Every byte that is read is checked: it must be a version of that key that
/// was written, no older than what was acknowledged before the read began, and not from before an acknowledged deletion. EDGECACHE_SOAK_SECONDS makes it longer.
/// </summary>
public sealed class SoakTests : LocalStoreTest
{
    private const int Keys = 400;
    private const int Writers = 4;
    private const int Readers = 3;
    private static readonly int Seconds = int.TryParse(Environment.GetEnvironmentVariable("EDGECACHE_SOAK_SECONDS"), out var seconds) ? seconds : 6;
    private static readonly TimeSpan Round = TimeSpan.FromSeconds(3);

    /// <summary>For each key, the oldest version that a read which begins now may see.</summary>
    private readonly long[] _oldest = new long[Keys];

    private readonly long[] _written = new long[Keys];
    private long _reads;
    private long _hits;
    private long _puts;

    [Fact]
    public async Task Nothing_that_is_read_is_wrong_old_or_deleted()
    {
        var began = TimeProvider.System.GetTimestamp();
        for (var round = 0; TimeProvider.System.GetElapsedTime(began).TotalSeconds < Seconds; round++)
        {
            await using var store = await LocalStore.OpenAsync(Options with { MaxBytes = 6 << 20 }, TimeProvider.System, NullLogger.Instance, Cancel);
            await CheckAllAsync(store);
            using var stop = new CancellationTokenSource(Round);
            var seed = round * 100;
            var work = Enumerable.Range(0, Writers).Select(i => Task.Run(() => WriteAsync(store, i, seed + i, stop.Token)))
                .Concat(Enumerable.Range(0, Readers).Select(i => Task.Run(() => ReadAsync(store, seed + 50 + i, stop.Token))));
            await Task.WhenAll(work);
            store.State.UsedBytes.ShouldBeLessThanOrEqualTo(6 << 20);
            store.State.Fault.ShouldBeNull();
        }
        await using var last = await LocalStore.OpenAsync(Options with { MaxBytes = 6 << 20 }, TimeProvider.System, NullLogger.Instance, Cancel);
        await CheckAllAsync(last);
        TestContext.Current.TestOutputHelper?.WriteLine($"{_puts} puts, {_reads} reads, {_hits} hits");
        _hits.ShouldBeGreaterThan(1000);
        _puts.ShouldBeGreaterThan(200);
    }

    private async Task WriteAsync(LocalStore store, int writer, int seed, CancellationToken stop)
    {
        var random = new Random(seed);
        while (!stop.IsCancellationRequested)
        {
            // Most calls end at once, in memory. Without this, loops would keep the few threads of a small pool, and others would never get one.
            await Task.Yield();
            // A key has one writer, so its versions have an order.
            var key = (random.Next(Keys / Writers) * Writers) + writer;
            if (random.Next(10) == 0)
            {
                (await store.DeleteAsync(Name(key), null, CancellationToken.None)).Status.ShouldBeOneOf(StoreStatus.Ok, StoreStatus.Missing);
                Volatile.Write(ref _oldest[key], _written[key] + 1);
                continue;
            }
            var version = ++_written[key];
            var length = random.Next(8) == 0 ? random.Next(8, 150_000) : random.Next(8, 4000);
            (await store.PutAsync(Name(key), Content(key, version, length), new PutOptions { Replace = true })).Status.ShouldBe(StoreStatus.Ok);
            Volatile.Write(ref _oldest[key], version);
            Interlocked.Increment(ref _puts);
        }
    }

    private async Task ReadAsync(LocalStore store, int seed, CancellationToken stop)
    {
        var random = new Random(seed);
        while (!stop.IsCancellationRequested)
        {
            await Task.Yield();
            await CheckAsync(store, random.Next(random.Next(1, Keys)));
        }
    }

    private async Task CheckAllAsync(LocalStore store)
    {
        for (var key = 0; key < Keys; key++)
            await CheckAsync(store, key);
    }

    private async Task CheckAsync(LocalStore store, int key)
    {
        var oldest = Volatile.Read(ref _oldest[key]);
        Interlocked.Increment(ref _reads);
        if (await store.TryGetAsync(Name(key)) is not { } blob)
            return;
        Interlocked.Increment(ref _hits);
        BinaryPrimitives.ReadInt32LittleEndian(blob.Content).ShouldBe(key);
        var version = BinaryPrimitives.ReadInt32LittleEndian(blob.Content.AsSpan(4));
        ((long)version).ShouldBeGreaterThanOrEqualTo(oldest, $"key {key}");
        blob.Content.AsSpan().SequenceEqual(Content(key, version, blob.Content.Length)).ShouldBeTrue($"key {key} version {version}");
    }

    private static BlobKey Name(int key) => Blobs.Key($"k{key}");

    private static byte[] Content(int key, long version, int length)
    {
        var content = Blobs.Bytes(length, (int)((key * 1009) + version));
        BinaryPrimitives.WriteInt32LittleEndian(content, key);
        BinaryPrimitives.WriteInt32LittleEndian(content.AsSpan(4), (int)version);
        return content;
    }
}
