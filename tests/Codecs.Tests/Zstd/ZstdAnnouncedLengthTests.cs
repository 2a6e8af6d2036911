using EdgeCache.Codecs.Zstd;

namespace EdgeCache.Codecs.Tests.Zstd;

/// <summary>A frame has as much content as its header says, whatever its last block is and however it comes.</summary>
public sealed class ZstdAnnouncedLengthTests
{
    private static readonly ZstdCodec Zstd = new();

    /// <summary>Says 500 bytes, and has an empty last block and nothing else.</summary>
    private static readonly byte[] Nothing = [0x28, 0xB5, 0x2F, 0xFD, 0x60, 0xF4, 0x00, 0x05, 0x00, 0x00];

    /// <summary>Says 500 bytes, and has a raw block of 3 and an empty last one.</summary>
    private static readonly byte[] TooShort = [0x28, 0xB5, 0x2F, 0xFD, 0x60, 0xF4, 0x00, 0x18, 0x00, 0x00, 1, 2, 3, 0x01, 0x00, 0x00];

    /// <summary>Says 2^64-1 bytes in 8, and has one.</summary>
    private static readonly byte[] AllOnes = [0x28, 0xB5, 0x2F, 0xFD, 0xC0, 0x50, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x09, 0x00, 0x00, 0x41];

    /// <summary>Three bytes, and says so; its last block is empty.</summary>
    private static readonly byte[] Good = [0x28, 0xB5, 0x2F, 0xFD, 0x20, 0x03, 0x18, 0x00, 0x00, 1, 2, 3, 0x01, 0x00, 0x00];

    private static readonly byte[] Empty = [0x28, 0xB5, 0x2F, 0xFD, 0x20, 0x00, 0x01, 0x00, 0x00];

    private static readonly byte[] Skippable = [0x50, 0x2A, 0x4D, 0x18, 0x02, 0x00, 0x00, 0x00, 9, 9];

    private static readonly byte[] Unsaid = [0x28, 0xB5, 0x2F, 0xFD, 0x00, 0x50, 0x18, 0x00, 0x00, 4, 5, 6, 0x01, 0x00, 0x00];

    public static TheoryData<int> Steps => [1, 2, 5, 7, 100];

    [Theory]
    [MemberData(nameof(Steps))]
    public void Another_length_is_refused_wherever_the_frame_comes(int step)
    {
        byte[][] before = [[], Good, Empty, Skippable, Unsaid, [.. Good, .. Skippable, .. Empty, .. Unsaid, .. Good]];
        foreach (var first in before)
        {
            foreach (var bad in new[] { Nothing, TooShort, AllOnes })
            {
                byte[] payload = [.. first, .. bad];
                Streams.Decode(Zstd, payload, step, 1000).Status.ShouldBe(CodecStatus.Corrupt);
                Streams.Decode(Zstd, [.. payload, .. Good], step, 1).Status.ShouldBe(CodecStatus.Corrupt);
                Zstd.Decompress(payload, new byte[1000]).Status.ShouldBe(CodecStatus.Corrupt);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Steps))]
    public void The_right_one_is_taken_and_so_is_none(int step)
    {
        byte[] payload = [.. Empty, .. Good, .. Skippable, .. Unsaid, .. Good, .. Empty];
        foreach (var room in new[] { 1, 1000 })
        {
            var (status, content) = Streams.Decode(Zstd, payload, step, room);
            status.ShouldBe(CodecStatus.Ok);
            content.ShouldBe([1, 2, 3, 4, 5, 6, 1, 2, 3]);
        }
    }
}
