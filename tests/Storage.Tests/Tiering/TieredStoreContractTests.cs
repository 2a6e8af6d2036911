using EdgeCache.Storage.Tiering;
using EdgeCache.TestKit;
using EdgeCache.TestKit.Stores;
using Microsoft.Extensions.Logging.Abstractions;

namespace EdgeCache.Storage.Tests.Tiering;

public class TieredStoreContractTests : BlobStoreContract
{
    protected override bool KeepsFarValidator => false;

    protected override Task<IBlobStore> OpenAsync() => Task.FromResult(Tiers(new MemoryStore(StoredWhere.Local)));

    private protected static IBlobStore Tiers(IBlobStore near, IOutbox? outbox = null, TierPolicy? policy = null) => new TieredStore(
        near, new MemoryStore(), outbox, new KeyGate(), new TieredStoreOptions { PolicyOf = _ => policy ?? TierPolicy.Default }, TimeProvider.System, NullLogger.Instance);
}

/// <summary>Every blob can be replaced from elsewhere, so nothing is served without asking.</summary>
public sealed class RevalidatingStoreContractTests : TieredStoreContractTests
{
    protected override Task<IBlobStore> OpenAsync() => Task.FromResult(Tiers(new MemoryStore(StoredWhere.Local), policy: new TierPolicy { FreshFor = TimeSpan.Zero }));
}

/// <summary>The local store has no room, ever: everything streams past it.</summary>
public sealed class FullTierContractTests : TieredStoreContractTests
{
    protected override Task<IBlobStore> OpenAsync() => Task.FromResult(Tiers(new FaultyStore(new MemoryStore(StoredWhere.Local))
    {
        Before = (call, _) => new(call == StoreCall.OpenWrite ? StoreStatus.NoSpace : StoreStatus.Ok),
    }));
}

/// <summary>The local store runs full, or fails, in the middle of every write.</summary>
public sealed class FillingTierContractTests : TieredStoreContractTests
{
    protected override Task<IBlobStore> OpenAsync()
    {
        var writes = 0;
        return Task.FromResult(Tiers(new FaultyStore(new MemoryStore(StoredWhere.Local))
        {
            Before = (call, _) => new(call == StoreCall.Write && Interlocked.Increment(ref writes) % 3 == 0 ? StoreStatus.NoSpace : StoreStatus.Ok),
        }));
    }
}
