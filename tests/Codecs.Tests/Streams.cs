using System.Buffers;

namespace EdgeCache.Codecs.Tests;

/// <summary>Whole contents through the streaming ends, in small pieces, as a network would bring them.</summary>
internal static class Streams
{
    public static byte[] Encode(ICodec codec, EncoderOptions options, byte[] content, int sourceStep, int destinationStep, int flushEvery = 0)
    {
        codec.TryRentEncoder(options, out var encoder).ShouldBe(CodecStatus.Ok);
        using (encoder)
        {
            var result = new ArrayBufferWriter<byte>();
            var destination = new byte[destinationStep];
            for (var (at, step) = (0, 0); ; step++)
            {
                var part = content.AsSpan(at, Math.Min(sourceStep, content.Length - at));
                var mode = at + part.Length == content.Length ? EncodeMode.End : flushEvery > 0 && step % flushEvery == 0 ? EncodeMode.Flush : EncodeMode.Continue;
                at += part.Length;
                CodecStep done;
                do
                {
                    done = encoder!.Encode(part, destination, mode);
                    done.Status.ShouldBeOneOf(CodecStatus.Ok, CodecStatus.NeedsOutput);
                    result.Write(destination.AsSpan(0, done.Produced));
                    part = part[done.Consumed..];
                }
                while (done.Status == CodecStatus.NeedsOutput);
                part.Length.ShouldBe(0);
                if (mode == EncodeMode.End)
                    return result.WrittenSpan.ToArray();
            }
        }
    }

    /// <summary>The content, or why there is none. Ends with <see cref="CodecStatus.NeedsInput"/> where the payload is cut.</summary>
    public static (CodecStatus Status, byte[] Content) Decode(ICodec codec, byte[] payload, int sourceStep, int destinationStep, long maxLength = long.MaxValue)
    {
        codec.TryRentDecoder(new DecoderOptions { MaxLength = maxLength }, out var decoder).ShouldBe(CodecStatus.Ok);
        using (decoder)
        {
            var result = new ArrayBufferWriter<byte>();
            var destination = new byte[destinationStep];
            for (var at = 0; at < payload.Length;)
            {
                var part = payload.AsSpan(at, Math.Min(sourceStep, payload.Length - at));
                at += part.Length;
                CodecStep done;
                do
                {
                    done = decoder!.Decode(part, destination);
                    result.Write(destination.AsSpan(0, done.Produced));
                    part = part[done.Consumed..];
                }
                while (done.Status == CodecStatus.NeedsOutput);
                if (done.Status != CodecStatus.NeedsInput)
                    return (done.Status, result.WrittenSpan.ToArray());
                part.Length.ShouldBe(0, "what needs input has taken all");
            }
            decoder!.Length.ShouldBe(result.WrittenCount);
            return (decoder.IsComplete ? CodecStatus.Ok : CodecStatus.NeedsInput, result.WrittenSpan.ToArray());
        }
    }
}
