using System.IO.Compression;
using EdgeCache.Codecs.Estimating;
using EdgeCache.TestKit;

namespace EdgeCache.Codecs.Tests.Estimating;

public sealed class EstimateTests
{
    [Theory]
    [InlineData(1000)]
    [InlineData(4096)]
    [InlineData(33_000)]
    [InlineData(1 << 20)]
    public void Noise_looks_like_noise_and_text_does_not(int length)
    {
        EntropyEstimate.BitsPerByte(Blobs.Bytes(length)).ShouldBeGreaterThan(7.9);
        EntropyEstimate.BitsPerByte(Contents.Text(length)).ShouldBeInRange(3, 6);
        EntropyEstimate.BitsPerByte(new byte[length]).ShouldBe(0);
    }

    [Fact]
    public void A_short_piece_is_counted_exactly_and_nothing_is_nothing()
    {
        EntropyEstimate.BitsPerByte([]).ShouldBe(0);
        EntropyEstimate.BitsPerByte([7]).ShouldBe(0);

        // One bit a byte, and the correction for what 2000 bytes can't show.
        var halves = new byte[2000];
        halves.AsSpan(1000).Fill(1);
        EntropyEstimate.BitsPerByte(halves).ShouldBe(1, 0.001);
    }

    [Fact]
    public void Not_only_the_head_is_looked_at()
    {
        var headOfText = Blobs.Bytes(1 << 20);
        Contents.Text(32_000).CopyTo(headOfText, 0);
        EntropyEstimate.BitsPerByte(headOfText).ShouldBeGreaterThan(7.8);

        var headOfNoise = Contents.Text(1 << 20);
        Blobs.Bytes(32_000).CopyTo(headOfNoise, 0);
        EntropyEstimate.BitsPerByte(headOfNoise).ShouldBeLessThan(6.5);
    }

    [Fact]
    public void What_is_compressed_is_known_by_its_first_bytes()
    {
        using var zipped = new MemoryStream();
        using (var gzip = new GZipStream(zipped, CompressionLevel.Fastest, leaveOpen: true))
            gzip.Write(Contents.Text(1000));
        MagicNumbers.IsCompressed(zipped.ToArray()).ShouldBeTrue();
        MagicNumbers.IsCompressed(ZipOf(CompressionLevel.Optimal)).ShouldBeTrue();
        MagicNumbers.IsCompressed(ZipOf(CompressionLevel.NoCompression)).ShouldBeFalse("its entries are stored as they are");
        foreach (var text in (string[])["", "P", "PK\x03\x04", "<html>", "\x7fELF\x02\x01\x01", "MZ", "RIFF\0\0\0\0WAVE"])
            MagicNumbers.IsCompressed(System.Text.Encoding.Latin1.GetBytes(text)).ShouldBeFalse(text);
    }

    private static byte[] ZipOf(CompressionLevel level)
    {
        using var file = new MemoryStream();
        using (var zip = new ZipArchive(file, ZipArchiveMode.Create, leaveOpen: true))
        {
            using var entry = zip.CreateEntry("a", level).Open();
            entry.Write(Contents.Text(1000));
        }
        return file.ToArray();
    }
}
