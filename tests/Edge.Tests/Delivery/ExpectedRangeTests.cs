using System.Collections.Concurrent;
using EdgeCache.Edge.Delivery;
using EdgeCache.Storage;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace EdgeCache.Edge.Tests.Delivery;

/// <summary>What a store is told of the part that will be read.</summary>
public sealed class ExpectedRangeTests
{
    [Theory]
    [InlineData(null, 0, long.MaxValue)]
    [InlineData("bytes=0-", 0, long.MaxValue)]
    [InlineData("bytes=5-", 5, long.MaxValue)]
    [InlineData("bytes=5-9", 5, 5)]
    [InlineData("bytes=0-0", 0, 1)]
    [InlineData("bytes=5-99999999999999999999", 5, long.MaxValue)]
    [InlineData("bytes=-5", 0, long.MaxValue)]
    [InlineData("bytes= -5", 0, long.MaxValue)]
    [InlineData("bytes=1-2,4-5", 0, long.MaxValue)]
    [InlineData("bytes=9-5", 0, long.MaxValue)]
    [InlineData("bytes=", 0, long.MaxValue)]
    [InlineData("lines=1-2", 0, long.MaxValue)]
    [InlineData("", 0, long.MaxValue)]
    public void A_range_says_what_will_be_read(string? field, long offset, long length)
    {
        IHeaderDictionary headers = new HeaderDictionary();
        if (field is not null)
            headers.Range = field;
        RangeHeader.Expect(headers).ShouldBe(new ByteRange(offset, length));
    }

    [Fact]
    public void A_range_that_may_not_apply_says_nothing() =>
        RangeHeader.Expect(new HeaderDictionary { ["Range"] = "bytes=5-9", ["If-Range"] = "\"x\"" }).ShouldBe(ByteRange.Whole);

    [Fact]
    public async Task A_GET_tells_the_store()
    {
        var asked = new ConcurrentQueue<ByteRange>();
        await using var node = await TestNode.StartAsync(services => services.AddSingleton<IBlobStore>(new AskedStore(asked)));
        await node.GetAsync("/artifacts/k", ("Range", "bytes=100-199"));
        await node.GetAsync("/artifacts/k");
        asked.ShouldBe([new ByteRange(100, 100), ByteRange.Whole]);
    }

    /// <summary>Has nothing, and keeps what it was asked for.</summary>
    private sealed class AskedStore(ConcurrentQueue<ByteRange> asked) : IBlobStore
    {
        public StoreState State { get; } = new(0, long.MaxValue, 0, null);

        public ValueTask<Outcome<IBlobReader>> OpenReadAsync(BlobKey key, ByteRange expected, CancellationToken cancellationToken)
        {
            asked.Enqueue(expected);
            return new(StoreStatus.Missing);
        }

        public ValueTask<Outcome<BlobMetadata>> StatAsync(BlobKey key, CancellationToken cancellationToken) => throw new NotSupportedException();

        public ValueTask<Outcome<IBlobWriter>> OpenWriteAsync(BlobKey key, PutOptions options, CancellationToken cancellationToken) => throw new NotSupportedException();

        public ValueTask<Outcome<BlobMetadata>> DeleteAsync(BlobKey key, BlobCondition? condition, CancellationToken cancellationToken) => throw new NotSupportedException();

        public IAsyncEnumerable<BlobListing> ListAsync(BlobPrefix prefix, CancellationToken cancellationToken) => throw new NotSupportedException();

        public long GetGeneration(BlobKey key) => 0;

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
