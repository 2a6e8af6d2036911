using EdgeCache.TestKit;
using EdgeCache.TestKit.Stores;

namespace EdgeCache.Storage.Tests;

/// <summary>What other tests take for a store is one.</summary>
public sealed class MemoryStoreContractTests : BlobStoreContract
{
    protected override Task<IBlobStore> OpenAsync() => Task.FromResult<IBlobStore>(new MemoryStore());
}

/// <inheritdoc cref="MemoryStoreContractTests"/>
public sealed class FaultyStoreContractTests : BlobStoreContract
{
    protected override Task<IBlobStore> OpenAsync() => Task.FromResult<IBlobStore>(new FaultyStore(new MemoryStore()));
}
