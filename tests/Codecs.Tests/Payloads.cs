using System.Buffers;
using EdgeCache.Codecs.Frames;

namespace EdgeCache.Codecs.Tests;

/// <summary>Whole framed payloads.</summary>
internal static class Payloads
{
    /// <summary>Frames and their table, as a store writes them.</summary>
    public static (byte[] Payload, long[] Starts) Framed(ICodec codec, byte[] content, int level)
    {
        var payload = new ArrayBufferWriter<byte>();
        var lengths = new List<int>();
        for (var at = 0; at < content.Length; at += SeekTable.FrameContentLength)
        {
            var piece = content.AsSpan(at, Math.Min(SeekTable.FrameContentLength, content.Length - at));
            lengths.Add(FrameCompressor.Compress(codec, piece, payload.GetSpan(FrameCompressor.Measure(codec, piece.Length)), level, out var status));
            status.ShouldBe(CodecStatus.Ok);
            payload.Advance(lengths[^1]);
        }
        var table = (int)SeekTable.Measure(lengths.Count);
        SeekTable.Write(lengths.ToArray(), content.Length, payload.GetSpan(table)[..table]);
        payload.Advance(table);
        var whole = payload.WrittenSpan.ToArray();
        return (whole, SeekTable.Read(whole.AsSpan(whole.Length - table), content.Length, whole.Length).ShouldNotBeNull());
    }

    /// <summary>A payload from outside, through <see cref="FrameInput"/>; with how many frames could be kept.</summary>
    public static (CodecStatus Status, byte[] Content, int Frames) Feed(ICodec codec, byte[] payload, int step, long maxLength)
    {
        using var input = new FrameInput(codec, new DecoderOptions { MaxLength = maxLength });
        var content = new ArrayBufferWriter<byte>();
        var frames = 0;
        for (var at = 0; at < payload.Length; at += step)
        {
            ReadOnlySpan<byte> part = payload.AsSpan(at, Math.Min(step, payload.Length - at));
            CodecStatus status;
            while ((status = input.Take(ref part)) == CodecStatus.Ok)
            {
                input.Content.Length.ShouldBeInRange(1, SeekTable.FrameContentLength);
                content.Write(input.Content.Span);
                if (!input.Frame.IsEmpty)
                    Keep(codec, input, ref frames);
            }
            if (status != CodecStatus.NeedsInput)
                return (status, content.WrittenSpan.ToArray(), frames);
            part.Length.ShouldBe(0);
        }
        return (input.IsComplete ? CodecStatus.Ok : CodecStatus.NeedsInput, content.WrittenSpan.ToArray(), frames);
    }

    private static void Keep(ICodec codec, FrameInput input, ref int frames)
    {
        frames++;
        input.Frame.Length.ShouldBeLessThanOrEqualTo(SeekTable.MaxFrameLength(SeekTable.FrameContentLength));
        var alone = new byte[input.Content.Length];
        codec.Decompress(input.Frame.Span, alone).ShouldBe(new CodecResult(CodecStatus.Ok, alone.Length));
        alone.AsSpan().SequenceEqual(input.Content.Span).ShouldBeTrue("the frame is of this content");
    }
}
