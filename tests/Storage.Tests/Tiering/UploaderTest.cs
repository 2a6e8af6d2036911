using System.Collections.Concurrent;
using EdgeCache.Storage.Tiering;
using EdgeCache.TestKit;
using EdgeCache.TestKit.Stores;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;

namespace EdgeCache.Storage.Tests.Tiering;

/// <summary>Two stores with an outbox between them, and writers who behave as the tier does.</summary>
public abstract class UploaderTest : IAsyncDisposable
{
    protected static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);

    private OutboxUploader? _uploader;

    protected UploaderTest()
    {
        FarStore = new MemoryStore(StoredWhere.Far, Clock);
        NearStore = new MemoryStore(StoredWhere.Local, Clock);
        Far = new FaultyStore(FarStore);
        Near = new FaultyStore(NearStore);
        Outbox = new MemoryOutbox(time: Clock);
    }

    protected static CancellationToken Cancel => TestContext.Current.CancellationToken;

    protected FakeTimeProvider Clock { get; } = new(new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero));

    protected MemoryStore FarStore { get; }

    protected MemoryStore NearStore { get; }

    protected FaultyStore Far { get; }

    protected FaultyStore Near { get; }

    protected MemoryOutbox Outbox { get; }

    protected KeyGate Gate { get; } = new();

    private protected LogLines Log { get; } = new();

    /// <summary>Numbers of entries that are not parked.</summary>
    protected int Waiting => Outbox.State.Waiting;

    public async ValueTask DisposeAsync()
    {
        if (_uploader is not null)
            await _uploader.DisposeAsync().AsTask().WaitAsync(Limit);
        GC.SuppressFinalize(this);
    }

    protected OutboxUploader Start(int parallelism = 4, bool replaces = true) =>
        _uploader = new OutboxUploader(Near, Far, Outbox, Gate, new OutboxUploaderOptions { Parallelism = parallelism, Replaces = _ => replaces }, Clock, Log);

    /// <summary>An acknowledged write: the entry, then the blob, both under the key's gate.</summary>
    protected async Task PutAsync(string name, byte[]? content = null, PutOptions? options = null)
    {
        var key = Blobs.Key(name);
        content ??= Blobs.Bytes(100, seed: name.Length);
        using (var held = (await Gate.EnterAsync(key, Limit, Cancel)).ShouldNotBeNull())
        {
            (await Outbox.AddAsync(key, content.Length, Cancel)).ShouldNotBeNull();
            (await NearStore.PutAsync(key, content, (options ?? new PutOptions()) with { Replace = true })).Status.ShouldBe(StoreStatus.Ok);
        }
        _uploader?.Notify();
    }

    /// <summary>An acknowledged deletion.</summary>
    protected async Task DeleteAsync(string name)
    {
        var key = Blobs.Key(name);
        using var held = (await Gate.EnterAsync(key, Limit, Cancel)).ShouldNotBeNull();
        await FarStore.DeleteAsync(key, null, Cancel);
        await NearStore.DeleteAsync(key, null, Cancel);
        foreach (var entry in Outbox.ListWaiting(0, int.MaxValue).Where(e => e.Key == key))
            await Outbox.RemoveAsync(entry, Cancel);
    }

    /// <summary>Waits until nothing waits, without any time passing.</summary>
    protected Task EmptyAsync() => Eventually.TrueAsync(() => Waiting == 0, Limit, "the outbox is empty");

    /// <summary>Lets time pass, in steps, until something has happened; returns how much it took.</summary>
    protected async Task<TimeSpan> PassAsync(Func<bool> until, TimeSpan step, TimeSpan limit)
    {
        var passed = TimeSpan.Zero;
        while (!until())
        {
            passed.ShouldBeLessThan(limit);
            Clock.Advance(step);
            passed += step;
            await SettleAsync();
        }
        return passed;
    }

    /// <summary>Waits until the uploader does nothing but wait for the time to pass, as far as its calls tell.</summary>
    protected async Task SettleAsync()
    {
        for (var (seen, same) = (-1, 0); same < 3;)
        {
            var calls = Far.Count(StoreCall.OpenWrite) + Far.Count(StoreCall.Commit) + Near.Count(StoreCall.OpenRead) + Near.Count(StoreCall.Stat);
            (seen, same) = (calls, calls == seen ? same + 1 : 0);
            await Eventually.StaysAsync(() => true, TimeSpan.FromMilliseconds(15), "the test goes on");
        }
    }

    private protected sealed class LogLines : ILogger
    {
        private readonly ConcurrentQueue<(LogLevel Level, string Text)> _lines = new();

        public IReadOnlyCollection<(LogLevel Level, string Text)> Lines => _lines;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) => _lines.Enqueue((logLevel, formatter(state, exception)));
    }
}
