using EdgeCache.Storage;

namespace EdgeCache.Edge.Tests.Observability;

/// <summary>A store that has a state and nothing else.</summary>
internal sealed class FixedStore : IBlobStore
{
    public StoreState State { get; set; } = new(UsedBytes: 1_234, MaxBytes: 10_000, Blobs: 3, Fault: null);

    public ValueTask<Outcome<IBlobReader>> OpenReadAsync(BlobKey key, ByteRange expected, CancellationToken cancellationToken) => throw new NotSupportedException();

    public ValueTask<Outcome<BlobMetadata>> StatAsync(BlobKey key, CancellationToken cancellationToken) => throw new NotSupportedException();

    public ValueTask<Outcome<IBlobWriter>> OpenWriteAsync(BlobKey key, PutOptions options, CancellationToken cancellationToken) => throw new NotSupportedException();

    public ValueTask<Outcome<BlobMetadata>> DeleteAsync(BlobKey key, BlobCondition? condition, CancellationToken cancellationToken) => throw new NotSupportedException();

    public IAsyncEnumerable<BlobListing> ListAsync(BlobPrefix prefix, CancellationToken cancellationToken) => throw new NotSupportedException();

    public long GetGeneration(BlobKey key) => throw new NotSupportedException();

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
