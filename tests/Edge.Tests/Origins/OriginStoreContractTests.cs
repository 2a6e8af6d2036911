using EdgeCache.Storage;
using EdgeCache.TestKit;

namespace EdgeCache.Edge.Tests.Origins;

/// <summary>
/// Over HTTP from a real node. It can't list and has no tenants. That an open reader keeps what was replaced or deleted holds here for the answer that is under way,
/// which is what the suite reads.
/// </summary>
public sealed class OriginStoreContractTests : BlobStoreContract
{
    private TestNode _origin = null!;
    private TestNode _front = null!;

    protected override bool CanList => false;

    protected override bool KeepsFarValidator => false;

    protected override bool HasTenants => false;

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        await _front.DisposeAsync();
        await _origin.DisposeAsync();
    }

    protected override async Task<IBlobStore> OpenAsync()
    {
        _origin = await TestNode.StartAsync(OriginNodes.Namespaces);
        _front = await OriginNodes.StartFrontAsync([_origin.Client.BaseAddress!]);
        return _front.Store();
    }
}
