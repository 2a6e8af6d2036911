using System.IO.Compression;
using EdgeCache.Codecs;
using EdgeCache.Codecs.Lz4;
using EdgeCache.Codecs.Zstd;

namespace EdgeCache.Edge.Tests.Compression;

/// <summary>Makes and reads what clients send and get; a test without the native library is skipped.</summary>
internal static class Coder
{
    private static readonly ZstdCodec Zstd = new();
    private static readonly Lz4Codec Lz4 = new();

    public static byte[] Encode(string coding, byte[] content)
    {
        if (coding == "gzip" && content.Length == 0)
            return Convert.FromBase64String("H4sIAAAAAAAAAwMAAAAAAAAAAAA=");
        if (coding == "gzip")
        {
            using var made = new MemoryStream();
            using (var gzip = new GZipStream(made, CompressionLevel.Optimal))
                gzip.Write(content);
            return made.ToArray();
        }
        var codec = CodecOf(coding);
        var frame = new byte[codec.MaxCompressedLength(content.Length)];
        var result = codec.Compress(content, frame, 5);
        result.Status.ShouldBe(CodecStatus.Ok);
        return frame[..result.Length];
    }

    public static byte[] Decode(string coding, byte[] payload, int maxLength = 100_000_000)
    {
        if (coding == "identity")
            return payload;
        payload.ShouldNotBeEmpty("no bytes are no payload of any coding");
        if (coding == "gzip")
        {
            using var gzip = new GZipStream(new MemoryStream(payload), CompressionMode.Decompress);
            using var content = new MemoryStream();
            gzip.CopyTo(content);
            return content.ToArray();
        }
        CodecOf(coding).TryRentDecoder(new DecoderOptions { MaxLength = maxLength }, out var decoder).ShouldBe(CodecStatus.Ok);
        using (decoder)
        {
            using var content = new MemoryStream();
            var buffer = new byte[1 << 16];
            var left = payload.AsSpan();
            while (true)
            {
                var step = decoder!.Decode(left, buffer);
                content.Write(buffer, 0, step.Produced);
                left = left[step.Consumed..];
                if (step.Status == CodecStatus.NeedsOutput)
                    continue;
                step.Status.ShouldBe(CodecStatus.NeedsInput);
                decoder.IsComplete.ShouldBeTrue();
                return content.ToArray();
            }
        }
    }

    private static ICodec CodecOf(string coding)
    {
        ICodec codec = coding == "zstd" ? Zstd : Lz4;
        if (codec.WhyUnavailable is { } why)
            Assert.Skip(why);
        return codec;
    }
}
