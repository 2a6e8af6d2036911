using EdgeCache.TestKit;
using Microsoft.Extensions.Logging.Abstractions;

namespace EdgeCache.Storage.S3.Tests;

/// <summary>On a server of which nothing is known, as a store meets it that nobody has probed.</summary>
public sealed class S3StoreContractTests(S3Fixture fixture) : BlobStoreContract
{
    protected override async Task<IBlobStore> OpenAsync() =>
        S3Store.Open(S3StoreTest.Options(await fixture.RequireAsync(), fixture.Bucket, S3StoreTest.NewPrefix()), TimeProvider.System, NullLogger.Instance);
}

/// <summary>Through the proxy that other tests put in between: it must not change anything by itself.</summary>
public sealed class ProxiedS3StoreContractTests(S3Fixture fixture) : BlobStoreContract, IAsyncDisposable
{
    private S3Proxy? _proxy;

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        if (_proxy is not null)
            await _proxy.DisposeAsync();
    }

    protected override async Task<IBlobStore> OpenAsync()
    {
        var server = await fixture.RequireAsync();
        _proxy = new S3Proxy(server.Endpoint);
        var options = S3StoreTest.Options(server, fixture.Bucket, S3StoreTest.NewPrefix()) with { Endpoint = _proxy.Endpoint };
        return S3Store.Open(options, TimeProvider.System, NullLogger.Instance);
    }
}

/// <summary>With what the probe has found out about the server.</summary>
public sealed class ProbedS3StoreContractTests(S3Fixture fixture) : BlobStoreContract
{
    protected override async Task<IBlobStore> OpenAsync()
    {
        var options = S3StoreTest.Options(await fixture.RequireAsync(), fixture.Bucket, S3StoreTest.NewPrefix());
        var report = await S3Probe.RunAsync(options, TimeProvider.System, TestContext.Current.CancellationToken);
        return S3Store.Open(options with { Capabilities = report.Capabilities }, TimeProvider.System, NullLogger.Instance);
    }
}

/// <summary>With objects that are stored as zstd.</summary>
public sealed class CompressedS3StoreContractTests(S3Fixture fixture) : BlobStoreContract
{
    protected override byte[] Bytes(int length, int seed = 0) => Contents.Text(length, seed);

    protected override async Task<IBlobStore> OpenAsync() =>
        S3Store.Open(Idle.Compressing(S3StoreTest.Options(await fixture.RequireAsync(), fixture.Bucket, S3StoreTest.NewPrefix())), TimeProvider.System, NullLogger.Instance);
}
