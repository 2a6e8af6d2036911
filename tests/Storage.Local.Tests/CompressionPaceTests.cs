using EdgeCache.Codecs.Choosing;
using EdgeCache.TestKit;

namespace EdgeCache.Storage.Local.Tests;

/// <summary>How hard content is compressed depends on how fast it comes: whoever has to be waited for anyway loses nothing by a higher level.</summary>
public sealed class CompressionPaceTests : LocalStoreTest
{
    private const int Piece = 64 * 1024;

    [Theory]
    [InlineData(16)]
    [InlineData(40)]
    public async Task Slow_content_is_compressed_harder_than_fast(int pieces)
    {
        var content = Contents.Text(pieces * Piece);
        var clock = Clock();
        await using var store = await OpenAsync(Options with { Compression = static name => new CompressionPolicy { Level = name == "quick" ? 1 : 5 }, CpuPressure = new Idle() }, clock);
        var fast = await PutAsync("fast", TimeSpan.FromMicroseconds(50));
        var slow = await PutAsync("slow", TimeSpan.FromMilliseconds(5));
        slow.ShouldBeLessThan(fast);
        fast.ShouldBe(await PutAsync("fast", TimeSpan.FromMicroseconds(50), "quick"), "each frame is to be as quick as it can");

        async Task<long> PutAsync(string name, TimeSpan pause, string space = "test")
        {
            var key = Blobs.Key(name, space);
            await using var writer = (await store.OpenWriteAsync(key, new PutOptions(), Cancel)).Value.ShouldNotBeNull();
            for (var at = 0; at < content.Length; at += Piece)
            {
                (await writer.WriteAsync(content.AsMemory(at, Piece), Cancel)).ShouldBe(StoreStatus.Ok);
                clock.Advance(pause);
            }
            var stored = (await writer.CommitAsync(Cancel)).Value.ShouldNotBeNull().Metadata;
            stored.Coding.ShouldBe("zstd");
            (await store.GetAsync(key)).Content.ShouldBe(content);
            return stored.PayloadLength;
        }
    }
}
