using EdgeCache.TestKit;

namespace EdgeCache.Codecs.Tests;

/// <summary>What every codec keeps.</summary>
public abstract class CodecContract
{
    private static readonly CodecLimits Few = new() { MaxCompressors = 2, MaxStreams = 2 };

    protected abstract ICodec Make(CodecLimits limits);

    protected abstract ICodec MakeMissing();

    private ICodec Codec => Make(new CodecLimits());

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(1000)]
    [InlineData(131_072)]
    [InlineData(1_048_576)]
    [InlineData(3_000_001)]
    public void What_was_compressed_comes_back(int length)
    {
        var codec = Codec;
        foreach (var content in (byte[][])[Contents.Text(length), Blobs.Bytes(length), Contents.Mixed(length)])
        {
            for (var level = 1; level <= codec.MaxLevel; level += 4)
            {
                var payload = new byte[codec.MaxCompressedLength(length)];
                var made = codec.Compress(content, payload, level);
                made.Status.ShouldBe(CodecStatus.Ok);
                var back = new byte[length];
                codec.Decompress(payload.AsSpan(0, made.Length), back).ShouldBe(new CodecResult(CodecStatus.Ok, length));
                back.AsSpan().SequenceEqual(content).ShouldBeTrue();
            }
        }
    }

    [Fact]
    public void A_whole_payload_that_is_cut_altered_or_too_long_is_refused()
    {
        var content = Contents.Text(200_000);
        var payload = new byte[Codec.MaxCompressedLength(content.Length)];
        payload = payload[..Codec.Compress(content, payload, 3).Length];
        var back = new byte[content.Length];
        Codec.Decompress(payload, back.AsSpan(1)).Status.ShouldBe(CodecStatus.NeedsOutput);
        Codec.Decompress(payload.AsSpan(0, payload.Length - 1), back).Status.ShouldBe(CodecStatus.Corrupt);
        Codec.Decompress([.. payload, 0], back).Status.ShouldBe(CodecStatus.Corrupt);
        Codec.Decompress([], back).Status.ShouldBe(CodecStatus.Corrupt);
        Codec.Decompress("not a frame at all"u8, back).Status.ShouldBe(CodecStatus.Corrupt);
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(7, 4096)]
    [InlineData(4096, 3)]
    [InlineData(70_000, 100_000)]
    [InlineData(1 << 20, 1 << 20)]
    public void A_stream_in_pieces_of_any_size_comes_back(int sourceStep, int destinationStep)
    {
        var codec = Codec;
        var content = Contents.Mixed(sourceStep * destinationStep < 100 ? 5000 : 400_000);
        foreach (var options in (EncoderOptions[])[new() { Level = 1 }, new() { Level = 4, ContentLength = content.Length }, new() { Level = 3, Checksum = true }])
        {
            var payload = Streams.Encode(codec, options, content, sourceStep, destinationStep, flushEvery: sourceStep > 1000 ? 3 : 0);
            var (status, back) = Streams.Decode(codec, payload, sourceStep, destinationStep);
            status.ShouldBe(CodecStatus.Ok);
            back.AsSpan().SequenceEqual(content).ShouldBeTrue();
        }
    }

    [Fact]
    public void Frames_one_after_the_other_are_one_content()
    {
        var codec = Codec;
        var (first, second) = (Contents.Text(50_000), Blobs.Bytes(20_000));
        byte[] payload = [.. Streams.Encode(codec, new() { Level = 1 }, first, 9000, 9000), .. Streams.Encode(codec, new() { Level = 1 }, [], 10, 10), .. Streams.Encode(codec, new() { Level = 1 }, second, 9000, 9000)];
        var (status, back) = Streams.Decode(codec, payload, 777, 888);
        status.ShouldBe(CodecStatus.Ok);
        back.ShouldBe([.. first, .. second]);
    }

    [Fact]
    public void A_stream_that_ends_early_is_not_complete()
    {
        var payload = Streams.Encode(Codec, new() { Level = 1 }, Contents.Text(100_000), 4096, 4096);
        for (var length = 1; length < payload.Length; length += Math.Max(1, payload.Length / 50))
            Streams.Decode(Codec, payload[..length], 1000, 100_000).Status.ShouldBe(CodecStatus.NeedsInput);
    }

    [Fact]
    public void What_was_flushed_can_be_decoded_before_the_end()
    {
        var codec = Codec;
        var content = Contents.Text(3000);
        codec.TryRentEncoder(new() { Level = 1 }, out var encoder).ShouldBe(CodecStatus.Ok);
        codec.TryRentDecoder(new() { MaxLength = 10_000 }, out var decoder).ShouldBe(CodecStatus.Ok);
        using (encoder)
        using (decoder)
        {
            var (payload, back) = (new byte[10_000], new byte[10_000]);
            var sent = encoder!.Encode(content, payload, EncodeMode.Flush);
            sent.Status.ShouldBe(CodecStatus.Ok);
            var got = decoder!.Decode(payload.AsSpan(0, sent.Produced), back);
            back[..got.Produced].ShouldBe(content);
            decoder.IsComplete.ShouldBeFalse();
        }
    }

    [Fact]
    public void A_bomb_ends_at_the_limit_and_content_as_long_as_the_limit_does_not()
    {
        var codec = Codec;
        var payload = Streams.Encode(codec, new() { Level = 1 }, new byte[10_000_000], 65_536, 65_536);
        var (status, content) = Streams.Decode(codec, payload, 100, 1 << 20, maxLength: 1_000_000);
        status.ShouldBe(CodecStatus.TooLarge);
        content.Length.ShouldBeLessThanOrEqualTo(1_000_000);
        Streams.Decode(codec, payload, 100, 1 << 20, maxLength: 10_000_000).Status.ShouldBe(CodecStatus.Ok);
        Streams.Decode(codec, payload, 100, 1 << 20, maxLength: 9_999_999).Status.ShouldBe(CodecStatus.TooLarge);
    }

    [Fact]
    public void When_all_streams_are_in_use_the_next_learns_it_at_once_and_what_is_given_back_can_be_had()
    {
        var codec = Make(Few);
        codec.TryRentDecoder(new() { MaxLength = 1 }, out var first).ShouldBe(CodecStatus.Ok);
        codec.TryRentDecoder(new() { MaxLength = 1 }, out var second).ShouldBe(CodecStatus.Ok);
        codec.TryRentDecoder(new() { MaxLength = 1 }, out var third).ShouldBe(CodecStatus.Busy);
        third.ShouldBeNull();
        codec.TryRentEncoder(new() { Level = 1 }, out var encoder).ShouldBe(CodecStatus.Ok);
        encoder!.Dispose();
        first!.Dispose();
        first.Dispose();
        codec.TryRentDecoder(new() { MaxLength = 1 }, out third).ShouldBe(CodecStatus.Ok);
        codec.TryRentDecoder(new() { MaxLength = 1 }, out _).ShouldBe(CodecStatus.Busy, "to dispose one twice gives one back");
        second!.Dispose();
        third!.Dispose();
    }

    [Fact]
    public void A_context_that_failed_or_was_left_in_the_middle_is_as_good_as_new()
    {
        var codec = Make(new CodecLimits { MaxCompressors = 1, MaxStreams = 1 });
        var content = Contents.Text(100_000);
        var payload = Streams.Encode(codec, new() { Level = 1 }, content, 5000, 5000);
        for (var round = 0; round < 3; round++)
        {
            codec.TryRentEncoder(new() { Level = 1 }, out var encoder).ShouldBe(CodecStatus.Ok);
            encoder!.Encode(content, new byte[10], EncodeMode.Continue);
            encoder.Dispose();
            var bad = payload.ToArray();
            bad.AsSpan(50, 500).Fill(0xAA);
            Streams.Decode(codec, bad, 300, 300).Status.ShouldNotBe(CodecStatus.Ok);
            Streams.Decode(codec, payload[..2000], 300, 300).Status.ShouldBe(CodecStatus.NeedsInput);
            Streams.Decode(codec, Streams.Encode(codec, new() { Level = 1 }, content, 5000, 5000), 300, 300).Content.ShouldBe(content);
        }
    }

    [Fact]
    public void A_step_allocates_nothing()
    {
        var codec = Codec;
        var (content, payload, back) = (Contents.Text(1 << 20), new byte[2 << 20], new byte[1 << 20]);
        var length = codec.Compress(content, payload, 1).Length;
        codec.Decompress(payload.AsSpan(0, length), back);
        codec.TryRentEncoder(new() { Level = 1 }, out var encoder).ShouldBe(CodecStatus.Ok);
        codec.TryRentDecoder(new() { MaxLength = long.MaxValue }, out var decoder).ShouldBe(CodecStatus.Ok);
        using (encoder)
        using (decoder)
        {
            encoder!.Encode(content, payload, EncodeMode.Continue);
            var sent = encoder.Encode(content, payload, EncodeMode.Flush);
            decoder!.Decode(payload.AsSpan(0, Math.Min(10, sent.Produced)), back);
            var before = GC.GetAllocatedBytesForCurrentThread();
            for (var i = 0; i < 100; i++)
                sent = encoder.Encode(content.AsSpan(0, 10_000), payload, EncodeMode.Flush);
            (GC.GetAllocatedBytesForCurrentThread() - before).ShouldBe(0);

            // The runtime may do work of its own on the thread once; what the codec allocated would be there each time.
            Enumerable.Range(0, 5).Min(_ =>
            {
                var from = GC.GetAllocatedBytesForCurrentThread();
                codec.Compress(content, payload, 1);
                return GC.GetAllocatedBytesForCurrentThread() - from;
            }).ShouldBe(0);
        }
    }

    [Fact]
    public void Without_its_library_it_says_why_and_everything_else_is_an_outcome()
    {
        var codec = MakeMissing();
        codec.IsAvailable.ShouldBeFalse();
        codec.WhyUnavailable.ShouldNotBeNull().ShouldContain("libnosuch.so.9");
        codec.Compress([1, 2, 3], new byte[100], 1).Status.ShouldBe(CodecStatus.Unavailable);
        codec.Decompress([1, 2, 3], new byte[100]).Status.ShouldBe(CodecStatus.Unavailable);
        codec.TryRentEncoder(new() { Level = 1 }, out var encoder).ShouldBe(CodecStatus.Unavailable);
        codec.TryRentDecoder(new() { MaxLength = 1 }, out var decoder).ShouldBe(CodecStatus.Unavailable);
        encoder.ShouldBeNull();
        decoder.ShouldBeNull();
        Codec.WhyUnavailable.ShouldBeNull();
    }
}
