using EdgeCache.Storage.Local;
using EdgeCache.Storage.Resilience;
using EdgeCache.Storage.Tiering;
using EdgeCache.TestKit;
using Microsoft.Extensions.Logging.Abstractions;

namespace EdgeCache.Storage.S3.Tests.Tiering;

/// <summary>What a node that stands in front of a bucket stores with: a folder, and the bucket behind a proxy and a breaker.</summary>
internal sealed class TieredNode : IAsyncDisposable
{
    private readonly TestFolder _folder = new();

    private TieredNode(S3Proxy proxy) => Proxy = proxy;

    public S3Proxy Proxy { get; }

    /// <summary>The whole.</summary>
    public TieredStore Store { get; private set; } = null!;

    /// <summary>What is stored here.</summary>
    public LocalStore Near { get; private set; } = null!;

    public TierState Tier => Store.State.Tier.ShouldNotBeNull();

    /// <summary>Opens one.</summary>
    /// <param name="server">The server.</param>
    /// <param name="options">The bucket; the address is replaced by that of the node's own proxy.</param>
    /// <param name="policy">Of all namespaces.</param>
    public static async Task<TieredNode> OpenAsync(S3Server server, S3StoreOptions options, TierPolicy? policy = null)
    {
        var node = new TieredNode(new S3Proxy(server.Endpoint));
        try
        {
            node.Near = await LocalStore.OpenAsync(new LocalStoreOptions { Path = node._folder.Path, MaxBytes = 1L << 30, MinFreeBytes = 0 }, TimeProvider.System, NullLogger.Instance, CancellationToken.None);
            var far = S3Store.Open(options with { Endpoint = node.Proxy.Endpoint }, TimeProvider.System, NullLogger.Instance);
            var guarded = new ResilientStore(far, new ResilienceOptions(), TimeProvider.System, NullLogger.Instance);
            node.Store = new TieredStore(
                node.Near, guarded, outbox: null, new KeyGate(), new TieredStoreOptions { PolicyOf = _ => policy ?? TierPolicy.Default, MissMemory = TimeSpan.Zero }, TimeProvider.System, NullLogger.Instance);
            return node;
        }
        catch
        {
            await node.DisposeAsync();
            throw;
        }
    }

    /// <summary>Waits until nothing is being fetched any more.</summary>
    public Task SettleAsync() => Eventually.TrueAsync(() => Tier.OpenFills == 0, TimeSpan.FromSeconds(60), "the end of what is being fetched");

    public async ValueTask DisposeAsync()
    {
        if (Store is not null)
            await Store.DisposeAsync();
        else if (Near is not null)
            await Near.DisposeAsync();
        await Proxy.DisposeAsync();
        _folder.Dispose();
    }
}
