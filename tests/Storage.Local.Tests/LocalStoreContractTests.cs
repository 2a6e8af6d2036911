using EdgeCache.TestKit;
using Microsoft.Extensions.Logging.Abstractions;

namespace EdgeCache.Storage.Local.Tests;

public sealed class LocalStoreContractTests : BlobStoreContract
{
    private readonly TestFolder _folder = new();

    protected override async Task<IBlobStore> OpenAsync() =>
        await LocalStore.OpenAsync(new LocalStoreOptions { Path = _folder.Path, MinFreeBytes = 0 }, TimeProvider.System, NullLogger.Instance, TestContext.Current.CancellationToken);

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        _folder.Dispose();
    }
}
