// Stands in for parts that come from other branches; removed when they are merged.
using EdgeCache.Storage;

namespace EdgeCache.Edge
{
    internal static class Pipeline
    {
        public static void Map(WebApplication app) => app.MapReverseProxy();
    }

    internal static class StoreFactory
    {
        public static Task<IBlobStore> OpenAsync(Configuration.EdgeSettings settings, ILoggerFactory loggers, TimeProvider time, CancellationToken cancellationToken)
        {
            Directory.CreateDirectory(settings.Options.Storage.Path!);
            return Task.FromResult<IBlobStore>(new NoStore());
        }

        private sealed class NoStore : IBlobStore
        {
            public StoreState State => new(0, 0, 0, null);

            public ValueTask<Outcome<IBlobReader>> OpenReadAsync(BlobKey key, ByteRange expected, CancellationToken cancellationToken) => throw new NotSupportedException();

            public ValueTask<Outcome<BlobMetadata>> StatAsync(BlobKey key, CancellationToken cancellationToken) => throw new NotSupportedException();

            public ValueTask<Outcome<IBlobWriter>> OpenWriteAsync(BlobKey key, PutOptions options, CancellationToken cancellationToken) => throw new NotSupportedException();

            public ValueTask<Outcome<BlobMetadata>> DeleteAsync(BlobKey key, BlobCondition? condition, CancellationToken cancellationToken) => throw new NotSupportedException();

            public IAsyncEnumerable<BlobListing> ListAsync(BlobPrefix prefix, CancellationToken cancellationToken) => throw new NotSupportedException();

            public long GetGeneration(BlobKey key) => 0;

            public ValueTask DisposeAsync() => ValueTask.CompletedTask;
        }
    }
}

namespace EdgeCache.Edge.Observability
{
    internal static class ObservabilityHooks
    {
        public static IServiceCollection AddObservability(this IServiceCollection services) => services;

        public static void MapObservability(this WebApplication app) => app.MapGet("/health", () => "healthy");
    }
}

namespace EdgeCache.Edge.Tls
{
    internal static class TlsEndpoint
    {
        public static IServiceCollection AddTls(this IServiceCollection services) => services;

        public static void Configure(Microsoft.AspNetCore.Server.Kestrel.Core.ListenOptions listen, IServiceProvider services)
        {
            _ = services.GetRequiredService<Configuration.LiveSettings>();
            throw new NotSupportedException($"TLS on {listen} comes with its own branch.");
        }
    }
}
