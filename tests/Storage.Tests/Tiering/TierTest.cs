using EdgeCache.Storage.Tiering;
using EdgeCache.TestKit;
using EdgeCache.TestKit.Stores;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace EdgeCache.Storage.Tests.Tiering;

/// <summary>Two stores in memory, each of which asks the test before every call, and the tiers over them.</summary>
public abstract class TierTest : IAsyncDisposable
{
    protected static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);

    private readonly Lock _making = new();
    private TieredStore? _tiers;

    protected TierTest()
    {
        FarStore = new MemoryStore(StoredWhere.Far, Clock);
        NearStore = new MemoryStore(StoredWhere.Local, Clock);
        FarContent = new ChangedContent(FarStore);
        Far = new FaultyStore(FarContent);
        Near = new FaultyStore(NearStore);
        Outbox = new MemoryOutbox(time: Clock);
    }

    protected static CancellationToken Cancel => TestContext.Current.CancellationToken;

    protected FakeTimeProvider Clock { get; } = new(new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero));

    protected MemoryStore FarStore { get; }

    protected MemoryStore NearStore { get; }

    private protected ChangedContent FarContent { get; }

    protected FaultyStore Far { get; }

    protected FaultyStore Near { get; }

    protected MemoryOutbox Outbox { get; }

    protected KeyGate Gate { get; } = new();

    /// <summary>Of all namespaces.</summary>
    protected TierPolicy Policy { get; set; } = TierPolicy.Default;

    /// <summary>Called whenever the tiers ask for a policy: in the middle of a call.</summary>
    protected Action? PolicyAsked { get; set; }

    protected TieredStoreOptions Options { get; set; } = new();

    /// <summary>Made when it is first used, after the test has said how; once, also where many ask first.</summary>
    protected TieredStore Tiers
    {
        get
        {
            lock (_making)
                return _tiers ??= new TieredStore(Near, Far, Outbox, Gate, Options with { PolicyOf = AskPolicy }, Clock, NullLogger.Instance);
        }
    }

    protected TierState Counts => Tiers.State.Tier!;

    public async ValueTask DisposeAsync()
    {
        if (_tiers is not null)
            await _tiers.DisposeAsync().AsTask().WaitAsync(Limit);
        FarStore.OpenReaders.ShouldBe(0);
        FarStore.OpenWriters.ShouldBe(0);
        NearStore.OpenReaders.ShouldBe(0);
        // A fetch is gone from the table a moment before it gives up its writer.
        await Eventually.TrueAsync(() => NearStore.OpenWriters == 0, Limit, "every writer is disposed");
        GC.SuppressFinalize(this);
    }

    protected async Task<IBlobReader> OpenAsync(BlobKey key, ByteRange? expected = null) =>
        (await Tiers.OpenReadAsync(key, expected ?? ByteRange.Whole, Cancel).AsTask().WaitAsync(Limit)).Value.ShouldNotBeNull();

    protected async Task<StoreStatus> StatusAsync(BlobKey key)
    {
        var opened = await Tiers.OpenReadAsync(key, ByteRange.Whole, Cancel).AsTask().WaitAsync(Limit);
        if (opened.IsOk)
            await opened.Value.DisposeAsync();
        return opened.Status;
    }

    /// <summary>Waits until no fetch is under way: what it has brought is published.</summary>
    protected Task SettledAsync() => Eventually.TrueAsync(() => Counts.OpenFills == 0, Limit, "no fetch is under way");

    private TierPolicy AskPolicy(string name)
    {
        PolicyAsked?.Invoke();
        return Policy;
    }

    /// <summary>A point at which a call stops until the test lets it go on.</summary>
    private protected sealed class Point
    {
        private readonly TaskCompletionSource _reached = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource _open = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task Reached => _reached.Task.WaitAsync(Limit);

        public void Open() => _open.TrySetResult();

        public ValueTask<StoreStatus> PassAsync() => FailAsync(StoreStatus.Ok);

        public async ValueTask<StoreStatus> FailAsync(StoreStatus status)
        {
            _reached.TrySetResult();
            await _open.Task.WaitAsync(Limit);
            return status;
        }
    }
}

/// <summary>A store whose content is changed on its way to the reader.</summary>
internal sealed class ChangedContent(IBlobStore inner) : IBlobStore
{
    private int _reads;

    /// <summary>Changes what was read from an offset; gets the number of the reader, from 1 on.</summary>
    public Action<int, long, Memory<byte>>? Change { get; set; }

    /// <summary>What readers say of the MD5 of the content.</summary>
    public byte[]? Md5 { get; set; }

    /// <summary>Changes what is told of a blob.</summary>
    public Func<BlobMetadata, BlobMetadata> Tell { get; set; } = static blob => blob;

    public StoreState State => inner.State;

    public async ValueTask<Outcome<IBlobReader>> OpenReadAsync(BlobKey key, ByteRange expected, CancellationToken cancellationToken)
    {
        var opened = await inner.OpenReadAsync(key, expected, cancellationToken);
        return opened.IsOk ? Outcome<IBlobReader>.Good(new Reader(this, opened.Value, Interlocked.Increment(ref _reads))) : opened;
    }

    public async ValueTask<Outcome<BlobMetadata>> StatAsync(BlobKey key, CancellationToken cancellationToken) =>
        await inner.StatAsync(key, cancellationToken) is { IsOk: true, Value: { } blob } ? Tell(blob) : StoreStatus.Missing;

    public ValueTask<Outcome<IBlobWriter>> OpenWriteAsync(BlobKey key, PutOptions options, CancellationToken cancellationToken) => inner.OpenWriteAsync(key, options, cancellationToken);

    public ValueTask<Outcome<BlobMetadata>> DeleteAsync(BlobKey key, BlobCondition? condition, CancellationToken cancellationToken) => inner.DeleteAsync(key, condition, cancellationToken);

    public IAsyncEnumerable<BlobListing> ListAsync(BlobPrefix prefix, CancellationToken cancellationToken) => inner.ListAsync(prefix, cancellationToken);

    public long GetGeneration(BlobKey key) => inner.GetGeneration(key);

    public ValueTask DisposeAsync() => inner.DisposeAsync();

    private sealed class Reader(ChangedContent owner, IBlobReader inner, int number) : IBlobReader
    {
        public BlobMetadata Metadata => owner.Tell(inner.Metadata);

        public ReadOnlyMemory<byte>? ContentMd5 => owner.Md5;

        public async ValueTask<int> ReadAsync(long offset, Memory<byte> buffer, CancellationToken cancellationToken)
        {
            var read = await inner.ReadAsync(offset, buffer, cancellationToken);
            owner.Change?.Invoke(number, offset, buffer[..read]);
            return read;
        }

        public ValueTask DisposeAsync() => inner.DisposeAsync();
    }
}
