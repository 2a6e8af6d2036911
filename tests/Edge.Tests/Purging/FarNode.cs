using EdgeCache.Storage;
using EdgeCache.Storage.Tiering;
using EdgeCache.TestKit;
using EdgeCache.TestKit.Stores;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;

namespace EdgeCache.Edge.Tests.Purging;

/// <summary>A node with its own local store and a far store in memory, which asks the test before every call.</summary>
internal sealed class FarNode : IAsyncDisposable
{
    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);

    private TieredStore _tiers = null!;

    private FarNode() => Far = new FaultyStore(new OpenedStore(FarStore, () => Opened?.Invoke() ?? default));

    public MemoryStore FarStore { get; } = new();

    public FaultyStore Far { get; }

    /// <summary>Called when the far store has opened a blob and not said so yet.</summary>
    public Func<ValueTask>? Opened { get; set; }

    /// <summary>The local store, which asks too.</summary>
    public FaultyStore Near { get; private set; } = null!;

    public TestNode Node { get; private set; } = null!;

    public static async Task<FarNode> StartAsync(params (string Key, string Value)[] settings)
    {
        var node = new FarNode();
        var options = new TieredStoreOptions { MissMemory = TimeSpan.FromMinutes(10), StatMemory = TimeSpan.FromMinutes(10) };
        node.Node = await TestNode.StartAsync(
            services =>
            {
                var local = services.Last(s => s.ServiceType == typeof(IBlobStore));
                services.AddSingleton<IBlobStore>(s =>
                {
                    node.Near = new FaultyStore((IBlobStore)local.ImplementationFactory!(s));
                    return node._tiers = new TieredStore(node.Near, node.Far, null, new KeyGate(), options, s.GetRequiredService<TimeProvider>(), NullLogger.Instance);
                });
            },
            settings);
        return node;
    }

    /// <summary>Waits until no fetch is under way: what it has brought is published.</summary>
    public Task SettledAsync() => Eventually.TrueAsync(() => _tiers.State.Tier!.OpenFills == 0, Limit, "no fetch is under way");

    /// <summary>The keys that are here.</summary>
    public async Task<IReadOnlyList<string>> CopiesAsync(string space = "artifacts") =>
        await Near.ListAsync(new BlobPrefix(space), TestContext.Current.CancellationToken).Select(b => b.Key.Key).Order(StringComparer.Ordinal).ToListAsync(TestContext.Current.CancellationToken);

    /// <summary>The status of a GET, and the node's word about where the content came from.</summary>
    public async Task<string> GetAsync(string key)
    {
        using var answer = await Node.GetAsync($"/artifacts/{key}");
        return answer.Headers.TryGetValues("Cache-Status", out var status) ? $"{(int)answer.StatusCode} {string.Join(", ", status)}" : $"{(int)answer.StatusCode}";
    }

    public ValueTask DisposeAsync() => Node.DisposeAsync();

    /// <summary>A store that does something before it hands out a reader.</summary>
    private sealed class OpenedStore(IBlobStore inner, Func<ValueTask> opened) : IBlobStore
    {
        public StoreState State => inner.State;

        public async ValueTask<Outcome<IBlobReader>> OpenReadAsync(BlobKey key, ByteRange expected, CancellationToken cancellationToken)
        {
            var reader = await inner.OpenReadAsync(key, expected, cancellationToken);
            await opened();
            return reader;
        }

        public ValueTask<Outcome<BlobMetadata>> StatAsync(BlobKey key, CancellationToken cancellationToken) => inner.StatAsync(key, cancellationToken);

        public ValueTask<Outcome<IBlobWriter>> OpenWriteAsync(BlobKey key, PutOptions options, CancellationToken cancellationToken) => inner.OpenWriteAsync(key, options, cancellationToken);

        public ValueTask<Outcome<BlobMetadata>> DeleteAsync(BlobKey key, BlobCondition? condition, CancellationToken cancellationToken) => inner.DeleteAsync(key, condition, cancellationToken);

        public IAsyncEnumerable<BlobListing> ListAsync(BlobPrefix prefix, CancellationToken cancellationToken) => inner.ListAsync(prefix, cancellationToken);

        public long GetGeneration(BlobKey key) => inner.GetGeneration(key);

        public ValueTask DisposeAsync() => inner.DisposeAsync();
    }
}
