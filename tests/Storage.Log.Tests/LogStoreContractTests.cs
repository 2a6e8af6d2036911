using EdgeCache.TestKit;
using Microsoft.Extensions.Logging.Abstractions;

namespace EdgeCache.Storage.Log.Tests;

public sealed class LogStoreContractTests : BlobStoreContract
{
    private readonly TestFolder _folder = new();

    protected override async Task<IBlobStore> OpenAsync() =>
        await LogStore.OpenAsync(new LogStoreOptions { Path = _folder.Path, MinFreeBytes = 0 }, TimeProvider.System, NullLogger.Instance, TestContext.Current.CancellationToken);

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        _folder.Dispose();
    }
}
