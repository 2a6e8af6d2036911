using EdgeCache.Codecs.Choosing;
using EdgeCache.Codecs.Frames;
using EdgeCache.TestKit;

namespace EdgeCache.Storage.Local.Tests;

/// <summary>Content that looks as if it would not shrink is on its way to disk before the piece is complete that decides it.</summary>
public sealed class CompressionAheadTests : LocalStoreTest
{
    private const int Frame = SeekTable.FrameContentLength;
    private const int Head = 128 * 1024;
    private static readonly BlobKey Key = Blobs.Key("k");

    [Fact]
    public async Task Noise_goes_to_disk_as_it_comes()
    {
        var content = Blobs.Bytes(Frame);
        await using var store = await OpenAsync(Compressing());
        await using (var writer = await BeginAsync(store, content.AsMemory(0, 600_000)))
        {
            Written().ShouldBeGreaterThan(400_000);
            await EndAsync(writer, content.AsMemory(600_000), "");
        }
        Written().ShouldBe(0);
        (await store.GetAsync(Key)).Content.ShouldBe(content);
    }

    [Fact]
    public async Task What_may_shrink_is_waited_for()
    {
        var content = Contents.Text(Frame);
        await using var store = await OpenAsync(Compressing());
        await using var writer = await BeginAsync(store, content.AsMemory(0, 600_000));
        Written().ShouldBe(0);
        await EndAsync(writer, content.AsMemory(600_000), "zstd");
        (await store.GetAsync(Key)).Content.ShouldBe(content);
    }

    [Theory]
    [InlineData(Head, Frame - Head)]
    [InlineData(Head + 1, 9_000)]
    [InlineData(Head + 200_000, (2 * Frame) + 55)]
    [InlineData(200_000, Frame)]
    public async Task Where_the_rest_shrinks_what_was_written_ahead_is_of_no_more_use(int noise, int text)
    {
        byte[] content = [.. Blobs.Bytes(noise), .. Contents.Text(text)];
        await using (var store = await OpenAsync(Compressing()))
        {
            await using (var writer = await BeginAsync(store, content.AsMemory(0, noise)))
            {
                for (var at = noise; at < content.Length; at += 50_000)
                {
                    (await writer.WriteAsync(content.AsMemory(at, Math.Min(50_000, content.Length - at)), Cancel)).ShouldBe(StoreStatus.Ok);
                    var back = new byte[5000];
                    foreach (var from in new[] { 0, noise - 2500, at - 1 })
                        back.AsSpan(0, await writer.ReadAsync(from, back, Cancel)).SequenceEqual(content.AsSpan(from, 5000)).ShouldBeTrue($"read back from {from} on at {at}");
                }
                var ended = (await writer.CommitAsync(Cancel)).Value.ShouldNotBeNull().Metadata;
                ended.Coding.ShouldBe(text < noise / 10 ? "" : "zstd");
            }
            Directory.GetFiles(TemporaryFolder).ShouldBeEmpty();
            (await store.GetAsync(Key)).Content.ShouldBe(content);
        }
        File.Delete(Snapshot);
        await using var again = await OpenAsync(Compressing());
        (await again.GetAsync(Key)).Content.ShouldBe(content);
        (await again.ScrubAsync(long.MaxValue, null, Cancel)).Damaged.ShouldBe(0);
    }

    private LocalStoreOptions Compressing() => Options with { Compression = static _ => new CompressionPolicy { MinLength = 64 }, CpuPressure = new Idle() };

    private static async Task<IStagedBlobWriter> BeginAsync(LocalStore store, ReadOnlyMemory<byte> content)
    {
        var writer = (IStagedBlobWriter)(await store.OpenWriteAsync(Key, new PutOptions(), Cancel)).Value.ShouldNotBeNull();
        for (var at = 0; at < content.Length; at += 4096)
            (await writer.WriteAsync(content.Slice(at, Math.Min(4096, content.Length - at)), Cancel)).ShouldBe(StoreStatus.Ok);
        return writer;
    }

    private static async Task EndAsync(IStagedBlobWriter writer, ReadOnlyMemory<byte> rest, string coding)
    {
        (await writer.WriteAsync(rest, Cancel)).ShouldBe(StoreStatus.Ok);
        (await writer.CommitAsync(Cancel)).Value.ShouldNotBeNull().Metadata.Coding.ShouldBe(coding);
    }

    private long Written() => Directory.GetFiles(TemporaryFolder).Sum(static file => new FileInfo(file).Length);

    private sealed class Idle : ICpuPressure
    {
        public double Current => 0;
    }
}
