using EdgeCache.Codecs.Choosing;
using EdgeCache.TestKit;

namespace EdgeCache.Storage.Local.Tests;

/// <summary>Decoded frames that readers keep between two reads: so many and no more, whoever is slow.</summary>
public sealed class KeptFrameTests : LocalStoreTest
{
    private const int Most = 64;

    [Fact]
    public async Task Readers_beyond_a_bound_keep_no_frame_and_read_the_same()
    {
        var key = Blobs.Key("k");
        var content = Contents.Text((1 << 20) + 100_000);
        await using var store = await OpenAsync(Options with { Compression = static _ => new CompressionPolicy(), CpuPressure = new Idle() });
        await store.PutAsync(key, content);
        var readers = new List<IBlobReader>();
        for (var i = 0; i < Most + 20; i++)
        {
            readers.Add((await store.OpenReadAsync(key, ByteRange.Whole, Cancel)).Value.ShouldNotBeNull());
            await ReadAsync(readers[i], i * 1000, 500);
        }
        store.Compression.TryKeep().ShouldBeFalse("all places are taken");

        // Those without a place read on, and one that ends makes room for another.
        await ReadAsync(readers[^1], 1_000_000, 100_000);
        await readers[0].DisposeAsync();
        await readers[0].DisposeAsync();
        store.Compression.TryKeep().ShouldBeTrue();
        store.Compression.TryKeep().ShouldBeFalse("a reader gives one place back, however often it is disposed");
        store.Compression.EndKeeping();
        foreach (var reader in readers)
            await reader.DisposeAsync();
        for (var i = 0; i < Most; i++)
            store.Compression.TryKeep().ShouldBeTrue("all have been given back");

        async Task ReadAsync(IBlobReader reader, int offset, int length)
        {
            var part = new byte[length];
            await reader.ReadFullyAsync(offset, part);
            part.AsSpan().SequenceEqual(content.AsSpan(offset, length)).ShouldBeTrue();
        }
    }
}
