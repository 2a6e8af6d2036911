using System.Security.Cryptography;
using System.Text;
using EdgeCache.Codecs.Choosing;
using EdgeCache.Codecs.Frames;
using EdgeCache.TestKit;
using Microsoft.Extensions.Time.Testing;

namespace EdgeCache.Storage.Local.Tests.Format;

/// <summary>As <see cref="GoldenFileTests"/>, with a payload in a coding. The frame in it was made by the real tool, so the bytes that are written don't depend on the library's version.</summary>
public sealed class GoldenPayloadTests : LocalStoreTest
{
    private static readonly DateTimeOffset Created = new(2026, 1, 1, 0, 0, 0, 123, TimeSpan.Zero);
    private static readonly BlobKey Key = BlobKey.Create("golden", "", "coded");
    private static readonly byte[] Content = Encoding.ASCII.GetBytes(string.Concat(Enumerable.Repeat("frozen content of a compressed blob\n", 200)));

    private static byte[] Golden => File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "Golden", "coded.blob"));

    [Fact]
    public async Task The_writer_writes_the_same_bytes_today()
    {
        var payload = Payload(Golden);
        var frame = payload[..^(int)SeekTable.Measure(1)];
        await using var store = await OpenAsync(Options with { Compression = static _ => new CompressionPolicy(), CpuPressure = new Idle() }, new FakeTimeProvider(Created));
        await using (var writer = (await store.OpenWriteAsync(Key, new PutOptions(), Cancel)).Value.ShouldNotBeNull())
        {
            (await writer.WriteFrameAsync(Content, frame, Cancel)).ShouldBe(StoreStatus.Ok);
            (await writer.CommitAsync(Cancel)).Status.ShouldBe(StoreStatus.Ok);
        }
        var written = FileReading.LastRecordBody(SegmentFile());
        written.AsSpan(0, Golden.Length).SequenceEqual(Golden).ShouldBeTrue();
        written[Golden.Length..].ShouldAllBe(b => b == 0);
    }

    [Fact]
    public async Task The_reader_reads_it()
    {
        var path = PlaceFor("coded");
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        await File.WriteAllBytesAsync(path, Golden, Cancel);
        await using var store = await OpenAsync();
        var (content, metadata) = await store.GetAsync(Key);
        content.ShouldBe(Content);
        var payload = Payload(Golden);
        (metadata.Coding, metadata.Length, metadata.PayloadLength).ShouldBe(("zstd", Content.Length, payload.Length));
        (metadata.Sha256, metadata.PayloadSha256).ShouldBe((new Sha256Digest(SHA256.HashData(Content)), new Sha256Digest(SHA256.HashData(payload))));
        (await store.ScrubAsync(long.MaxValue, null, Cancel)).Damaged.ShouldBe(0);
    }

    private static byte[] Payload(byte[] blob) => blob.AsSpan(BitConverter.ToInt32(blob, 12), (int)BitConverter.ToInt64(blob, 16)).ToArray();
}
