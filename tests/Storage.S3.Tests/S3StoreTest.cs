using EdgeCache.TestKit;
using Microsoft.Extensions.Logging.Abstractions;

namespace EdgeCache.Storage.S3.Tests;

/// <summary>Opens stores on the shared server, each test below a prefix of its own.</summary>
public abstract class S3StoreTest(S3Fixture fixture) : IAsyncDisposable
{
    private static int _prefixes;
    private readonly List<IAsyncDisposable> _open = [];

    protected S3Fixture Fixture => fixture;

    protected string Prefix { get; } = NewPrefix();

    protected static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public static string NewPrefix() => $"t{Interlocked.Increment(ref _prefixes)}/";

    public static S3StoreOptions Options(S3Server server, string bucket, string prefix) => new()
    {
        Endpoint = server.Endpoint,
        Region = server.Region,
        Bucket = bucket,
        Prefix = prefix,
        PathStyle = true,
        AccessKey = server.AccessKey,
        SecretKey = server.SecretKey,
        PartSize = S3StoreOptions.MinPartSize,
    };

    public virtual async ValueTask DisposeAsync()
    {
        foreach (var item in _open)
            await item.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    protected async Task<S3StoreOptions> OptionsAsync() => Options(await fixture.RequireAsync(), fixture.Bucket, Prefix);

    protected async Task<S3Store> OpenAsync(Func<S3StoreOptions, S3StoreOptions>? change = null)
    {
        var options = await OptionsAsync();
        var store = S3Store.Open(change is null ? options : change(options), TimeProvider.System, NullLogger.Instance);
        _open.Add(store);
        return store;
    }
}
