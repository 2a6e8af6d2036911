using EdgeCache.Codecs.Zstd;

namespace EdgeCache.Codecs.Tests.Zstd;

public sealed class ZstdCodecTests : CodecContract
{
    protected override ICodec Make(CodecLimits limits) => new ZstdCodec(limits);

    protected override ICodec MakeMissing() => new ZstdCodec(new CodecLimits(), ["libnosuch.so.9"]);

    [Fact]
    public void A_window_above_the_limit_is_refused()
    {
        // A frame header with a window descriptor of 2^24 and no content size, and an empty last block.
        byte[] frame = [0x28, 0xB5, 0x2F, 0xFD, 0x00, (24 - 10) << 3, 1, 0, 0];
        Streams.Decode(new ZstdCodec(), frame, 100, 100).Status.ShouldBe(CodecStatus.WindowTooLarge);
        Streams.Decode(new ZstdCodec(new CodecLimits { MaxWindowLog = 24 }), frame, 100, 100).Status.ShouldBe(CodecStatus.Ok);
    }

    [Fact]
    public void A_frame_of_an_old_unfrozen_format_never_gets_to_the_library()
    {
        // The magic number of v0.7, which the library may still be built to decode.
        byte[] frame = [0x27, 0xB5, 0x2F, 0xFD, 0, 0, 0, 0, 0, 0];
        Streams.Decode(new ZstdCodec(), frame, 1, 100).Status.ShouldBe(CodecStatus.Corrupt);
        new ZstdCodec().Decompress(frame, new byte[100]).Status.ShouldBe(CodecStatus.Corrupt);
    }
}
