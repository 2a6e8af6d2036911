using EdgeCache.Storage.Local.Format;
using EdgeCache.TestKit;

namespace EdgeCache.Storage.Local.Tests.Format;

public sealed class BlobTrailerTests : LocalStoreTest
{
    private const int Block = 1 << 20;

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(Block - 1)]
    [InlineData(Block)]
    [InlineData(Block + 1)]
    [InlineData((2 * Block) + 777)]
    public async Task The_trailer_has_the_checksum_of_every_MiB_of_the_content(int length)
    {
        var content = Blobs.Bytes(length, seed: 5);
        await using var store = await OpenAsync();
        await store.PutAsync(Blobs.Key("k"), content);

        var image = length > 65_536 ? await File.ReadAllBytesAsync(BlobFile(), Cancel) : FileReading.LastRecordBody(SegmentFile());
        FileReading.Checksums(image, length).ShouldBe(FileReading.ExpectedChecksums(content));
    }

    [Fact]
    public async Task A_trailer_with_any_bit_flipped_is_not_believed()
    {
        await using var store = await OpenAsync();
        await store.PutAsync(Blobs.Key("k"), Blobs.Bytes(100));
        var trailer = FileReading.Trailer(FileReading.LastRecordBody(SegmentFile()));
        for (var bit = 0; bit < trailer.Length * 8; bit++)
        {
            trailer[bit / 8] ^= (byte)(1 << (bit % 8));
            BlobTrailer.Read(trailer, 100).ShouldBeNull($"bit {bit}");
            trailer[bit / 8] ^= (byte)(1 << (bit % 8));
        }
        BlobTrailer.Read(trailer, Block + 1).ShouldBeNull("it is the trailer of a shorter content");
    }
}
