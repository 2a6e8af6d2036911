using EdgeCache.Codecs.Frames;
using EdgeCache.Codecs.Zstd;
using EdgeCache.TestKit;

namespace EdgeCache.Codecs.Tests.Frames;

public sealed class SeekTableTests
{
    private const int Frame = SeekTable.FrameContentLength;
    private readonly ZstdCodec _codec = new();

    [Theory]
    [InlineData(1)]
    [InlineData(Frame)]
    [InlineData(Frame + 1)]
    [InlineData((3 * Frame) - 7)]
    public void Each_frame_is_decoded_alone_by_where_the_table_says_it_is(int length)
    {
        var content = Contents.Mixed(length, seed: length);
        var (payload, starts) = Payloads.Framed(_codec, content, level: 3);
        for (var frame = starts.Length - 2; frame >= 0; frame--)
        {
            var back = new byte[SeekTable.ContentOf(frame, length)];
            _codec.Decompress(payload.AsSpan((int)starts[frame], (int)(starts[frame + 1] - starts[frame])), back).ShouldBe(new CodecResult(CodecStatus.Ok, back.Length));
            back.AsSpan().SequenceEqual(content.AsSpan(frame * Frame, back.Length)).ShouldBeTrue();
        }
        Streams.Decode(_codec, payload, 100_000, 100_000).Content.AsSpan().SequenceEqual(content).ShouldBeTrue("as a whole it is one stream");
    }

    [Fact]
    public void Every_altered_byte_of_a_table_is_noticed()
    {
        var content = Contents.Text((2 * Frame) + 100);
        var (payload, starts) = Payloads.Framed(_codec, content, level: 1);
        var table = payload[(int)starts[^1]..];
        for (var at = 0; at < table.Length; at++)
        {
            var altered = table.ToArray();
            altered[at] ^= 0x41;
            SeekTable.Read(altered, content.Length, payload.Length).ShouldBeNull($"byte {at}");
        }
    }

    [Theory]
    [InlineData(0, 100)]
    [InlineData(-1, 100)]
    [InlineData(100, 0)]
    [InlineData(100, 33)]
    [InlineData(long.MaxValue, long.MaxValue)]
    [InlineData(long.MaxValue, 1000)]
    [InlineData(1L << 50, 1L << 45)]
    public void Lengths_that_are_none_of_a_framed_payload_are_refused_before_anything_is_read(long contentLength, long payloadLength) =>
        SeekTable.Find(contentLength, payloadLength, out _).ShouldBe(-1);

    [Fact]
    public void A_table_whose_frames_do_not_end_where_it_begins_is_refused()
    {
        var content = Contents.Text(2 * Frame);
        var (payload, starts) = Payloads.Framed(_codec, content, level: 1);
        var length = payload.Length - (int)starts[^1];
        int[] lengths = [(int)starts[1] + 1, (int)(starts[2] - starts[1])];
        var table = new byte[length];
        SeekTable.Write(lengths, content.Length, table);
        SeekTable.Read(table, content.Length, payload.Length).ShouldBeNull();
        SeekTable.Write([lengths[0] - 1, lengths[1]], content.Length, table);
        SeekTable.Read(table, content.Length, payload.Length).ShouldBe(starts);
        SeekTable.Read(table, content.Length + 1, payload.Length).ShouldBeNull();
    }
}
