using EdgeCache.TestKit;

namespace EdgeCache.Storage.Tests;

public sealed class BlockChecksumsTests
{
    private const int MiB = 1 << 20;

    [Theory]
    [InlineData(1, MiB)]
    [InlineData(128L * MiB, MiB)]
    [InlineData((128L * MiB) + 1, 2 * MiB)]
    [InlineData(1L << 40, 1L << 33)]
    [InlineData(long.MaxValue, 1L << 56)]
    public void There_are_never_more_than_128_blocks(long length, long expected) => BlockChecksums.BlockLengthFor(length).ShouldBe(expected);

    [Theory]
    [InlineData(1)]
    [InlineData(MiB)]
    [InlineData((3 * MiB) + 5)]
    [InlineData(128 * MiB)]
    [InlineData((130 * MiB) + 77)]
    [InlineData((300 * MiB) + 1)]
    public void Content_in_pieces_has_the_checksums_of_its_blocks_and_they_survive_as_a_text(int length)
    {
        var piece = Blobs.Bytes(999_983);
        var builder = new BlockChecksumBuilder();
        var block = (int)BlockChecksums.BlockLengthFor(length);
        var expected = new List<uint>();
        var crc = Crc32C.Start();
        for (var offset = 0; offset < length;)
        {
            var part = piece.AsSpan(0, Math.Min(piece.Length, length - offset));
            builder.Append(part);
            for (; part.Length > 0;)
            {
                var inBlock = part[..Math.Min(part.Length, block - (offset % block))];
                crc.Append(inBlock);
                offset += inBlock.Length;
                part = part[inBlock.Length..];
                if (offset % block != 0 && offset < length)
                    continue;
                expected.Add(crc.Value);
                crc = Crc32C.Start();
            }
        }

        var checksums = builder.End().ShouldNotBeNull();

        checksums.BlockLength.ShouldBe(block);
        Enumerable.Range(0, checksums.Count).Select(i => checksums[i]).ShouldBe(expected);
        var read = BlockChecksums.TryParse(checksums.ToString(), length).ShouldNotBeNull();
        Enumerable.Range(0, read.Count).Select(i => read[i]).ShouldBe(expected);
        read.BlockLength.ShouldBe(block);
        BlockChecksums.TryParse(checksums.ToString(), length + block).ShouldBeNull();
    }

    [Theory]
    [InlineData(1)]
    [InlineData((3 * MiB) + 5)]
    [InlineData((130 * MiB) + 77)]
    public void Those_of_longer_blocks_follow_from_those_of_shorter_ones(int length)
    {
        var content = new byte[length];
        new Random(7).NextBytes(content);
        var values = content.Chunk(MiB).Select(b => Crc32C.Of(b)).ToArray();
        var builder = new BlockChecksumBuilder();
        builder.Append(content);
        BlockChecksums.Of(values, length)!.ToString().ShouldBe(builder.End()!.ToString());
    }

    [Fact]
    public void Nothing_has_none()
    {
        new BlockChecksumBuilder().End().ShouldBeNull();
        BlockChecksums.TryParse("", 0).ShouldBeNull();
        BlockChecksums.TryParse(null, 1).ShouldBeNull();
        BlockChecksums.TryParse(new string('A', 100_000), 1).ShouldBeNull();
    }
}
