using EdgeCache.Codecs.Zstd;
using EdgeCache.TestKit;

namespace EdgeCache.Codecs.Tests.Frames;

public sealed class FrameInputTests
{
    private readonly ZstdCodec _codec = new();

    [Theory]
    [InlineData(1)]
    [InlineData(1000)]
    [InlineData(65_537)]
    [InlineData(10_000_000)]
    public void A_payload_of_ours_comes_back_with_every_frame(int step)
    {
        var content = Contents.Mixed(step == 1 ? 150_000 : (2 << 20) + 5, seed: 3);
        var (payload, starts) = Payloads.Framed(_codec, content, level: 1);
        var (status, back, frames) = Payloads.Feed(_codec, payload, step, content.Length);
        status.ShouldBe(CodecStatus.Ok);
        back.AsSpan().SequenceEqual(content).ShouldBeTrue();
        frames.ShouldBe(starts.Length - 1);
    }

    [Fact]
    public void A_frame_in_another_form_is_decoded_and_not_kept()
    {
        var content = Contents.Text(3_000_000);
        var (ours, _) = Payloads.Framed(_codec, content[..10_000], level: 1);
        var theirs = Streams.Encode(_codec, new() { Level = 1 }, content[10_000..], 100_000, 100_000);
        var (status, back, frames) = Payloads.Feed(_codec, [.. ours, .. theirs], 70_000, content.Length);
        status.ShouldBe(CodecStatus.Ok);
        back.AsSpan().SequenceEqual(content).ShouldBeTrue();
        frames.ShouldBe(1);
    }

    [Fact]
    public void More_content_than_allowed_ends_it_whatever_form_it_has()
    {
        var content = Contents.Text(500_000);
        var (framed, _) = Payloads.Framed(_codec, content, level: 1);
        var stream = Streams.Encode(_codec, new() { Level = 1 }, content, 100_000, 100_000);
        Payloads.Feed(_codec, framed, 1000, 499_999).Status.ShouldBe(CodecStatus.TooLarge);
        Payloads.Feed(_codec, stream, 1000, 499_999).Status.ShouldBe(CodecStatus.TooLarge);
        Payloads.Feed(_codec, [.. framed, .. framed], 1000, 999_999).Status.ShouldBe(CodecStatus.TooLarge);
        Payloads.Feed(_codec, [.. framed, .. stream], 1000, 1_000_000).Status.ShouldBe(CodecStatus.Ok);
        Payloads.Feed(_codec, [.. framed, .. stream], 1000, 999_999).Status.ShouldBe(CodecStatus.TooLarge);
    }

    [Fact]
    public void A_cut_payload_is_never_complete()
    {
        var content = Contents.Text(30_000);
        var (framed, starts) = Payloads.Framed(_codec, content, level: 1);
        for (var length = 1; length < framed.Length; length += 97)
            Payloads.Feed(_codec, framed[..length], 1000, long.MaxValue).Status.ShouldBe(length == starts[^1] ? CodecStatus.Ok : CodecStatus.NeedsInput);
    }

    [Fact]
    public void A_frame_of_a_hundred_thousand_empty_blocks_that_comes_byte_by_byte_is_walked_once()
    {
        var frame = new byte[6 + (3 * 100_000)];
        ((ReadOnlySpan<byte>)[0x28, 0xB5, 0x2F, 0xFD, 0x20, 0]).CopyTo(frame);
        frame[^3] = 1;
        Payloads.Feed(_codec, frame, 1, long.MaxValue).ShouldBe((CodecStatus.Ok, [], 0), new ByStatus());
    }

    [Fact]
    public void When_no_stream_can_be_had_it_says_so()
    {
        var codec = new ZstdCodec(new CodecLimits { MaxStreams = 1 });
        codec.TryRentDecoder(new() { MaxLength = 1 }, out var held).ShouldBe(CodecStatus.Ok);
        var stream = Streams.Encode(_codec, new() { Level = 1 }, Contents.Text(100), 60, 1000);
        Payloads.Feed(codec, stream, 100, 100).Status.ShouldBe(CodecStatus.Busy);
        held!.Dispose();
        Payloads.Feed(codec, stream, 100, 100).Status.ShouldBe(CodecStatus.Ok);
    }

    private sealed class ByStatus : IEqualityComparer<(CodecStatus Status, byte[] Content, int Frames)>
    {
        public bool Equals((CodecStatus Status, byte[] Content, int Frames) x, (CodecStatus Status, byte[] Content, int Frames) y) =>
            x.Status == y.Status && x.Content.AsSpan().SequenceEqual(y.Content) && x.Frames == y.Frames;

        public int GetHashCode((CodecStatus Status, byte[] Content, int Frames) obj) => obj.Content.Length;
    }
}
