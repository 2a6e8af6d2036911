using EdgeCache.Codecs.Choosing;
using EdgeCache.TestKit;
using Microsoft.Extensions.Logging.Abstractions;

namespace EdgeCache.Storage.Local.Tests;

/// <summary>The whole contract again, with content that is stored as frames.</summary>
public sealed class CompressedContractTests : BlobStoreContract
{
    private readonly TestFolder _folder = new();

    protected override byte[] Bytes(int length, int seed = 0) => Contents.Text(length, seed);

    protected override async Task<IBlobStore> OpenAsync()
    {
        var options = new LocalStoreOptions { Path = _folder.Path, MinFreeBytes = 0, Compression = static _ => new CompressionPolicy { MinLength = 64 }, CpuPressure = new Idle() };
        return await LocalStore.OpenAsync(options, TimeProvider.System, NullLogger.Instance, TestContext.Current.CancellationToken);
    }

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        _folder.Dispose();
    }
}
