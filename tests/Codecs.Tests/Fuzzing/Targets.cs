using System.Buffers.Binary;
using EdgeCache.Codecs.Frames;
using EdgeCache.Codecs.Lz4;
using EdgeCache.Codecs.Zstd;

namespace EdgeCache.Codecs.Tests.Fuzzing;

/// <summary>The entry points that see bytes from outside, and what must hold of them whatever the bytes are: no exception, no more content than allowed, one truth.</summary>
internal sealed class Targets
{
    private const int MaxLength = 600_000;
    private readonly ZstdCodec _zstd = new();
    private readonly Lz4Codec _lz4 = new();
    private readonly byte[] _back = new byte[MaxLength];
    private readonly byte[] _step = new byte[MaxLength];

    /// <summary>By the first byte: which target; by the second: the size of the steps.</summary>
    public void Run(ReadOnlySpan<byte> input)
    {
        if (input.Length < 2)
            return;
        var step = 1 << (input[1] % 20);
        var bytes = input[2..].ToArray();
        switch (input[0] % 3)
        {
            case 0:
                Walk(bytes);
                Decode(_zstd, bytes, step, mayDiffer: true);
                Feed(bytes, step);
                break;
            case 1:
                Decode(_lz4, bytes, step, mayDiffer: false);
                break;
            default:
                Table(bytes);
                break;
        }
    }

    private static void Walk(byte[] bytes)
    {
        var (all, parts) = (default(FrameWalk), default(FrameWalk));
        var status = all.Continue(bytes);
        for (var length = 0; ; length = (int)Math.Clamp(parts.Length, length + 1, bytes.Length))
        {
            var part = parts.Continue(bytes.AsSpan(0, length));
            if (part != CodecStatus.NeedsInput || length == bytes.Length)
            {
                part.ShouldBe(status);
                break;
            }
            parts.Length.ShouldBeGreaterThan(length);
        }
        if (status != CodecStatus.Corrupt)
            parts.Length.ShouldBe(all.Length);
        if (status == CodecStatus.Ok)
            all.Length.ShouldBeInRange(1, bytes.Length);
    }

    private static void Table(byte[] bytes)
    {
        if (bytes.Length < 2 * sizeof(long))
            return;
        var (content, payload) = (BinaryPrimitives.ReadInt64LittleEndian(bytes), BinaryPrimitives.ReadInt64LittleEndian(bytes.AsSpan(sizeof(long))));
        var at = SeekTable.Find(content, payload, out var length);
        if (at >= 0)
            (at + length).ShouldBe(payload);
        if (SeekTable.Read(bytes.AsSpan(2 * sizeof(long)), content, payload) is not { } starts)
            return;
        starts.Length.ShouldBe((int)SeekTable.FramesOf(content) + 1);
        starts[0].ShouldBe(0);
        starts[^1].ShouldBe(at);
        for (var i = 1; i < starts.Length; i++)
            (starts[i] - starts[i - 1]).ShouldBeInRange(1, SeekTable.MaxFrameLength(SeekTable.FrameContentLength));
    }

    /// <summary>As a stream in steps, and as a whole.</summary>
    /// <param name="codec">The codec.</param>
    /// <param name="bytes">The payload.</param>
    /// <param name="step">Length of the steps.</param>
    /// <param name="mayDiffer">A whole one needs no window, so a window that is too large does not matter to it.</param>
    private void Decode(ICodec codec, byte[] bytes, int step, bool mayDiffer)
    {
        codec.TryRentDecoder(new DecoderOptions { MaxLength = MaxLength - 1 }, out var decoder).ShouldBe(CodecStatus.Ok);
        using (decoder)
        {
            var (at, length) = (0, 0);
            CodecStep done;
            do
            {
                var part = bytes.AsSpan(at, Math.Min(step, bytes.Length - at));
                done = decoder!.Decode(part, _step.AsSpan(length, Math.Min(step, MaxLength - length)));
                at += done.Consumed;
                length += done.Produced;
                length.ShouldBeLessThan(MaxLength);
                if (done.Status == CodecStatus.NeedsInput)
                    done.Consumed.ShouldBe(part.Length);
            }
            while (done.Status == CodecStatus.NeedsOutput || (done.Status == CodecStatus.NeedsInput && at < bytes.Length));
            var isGood = done.Status == CodecStatus.NeedsInput && decoder.IsComplete;
            var whole = codec.Decompress(bytes, _back.AsSpan(0, MaxLength - 1));
            if (isGood)
                whole.ShouldBe(new CodecResult(CodecStatus.Ok, length));
            else if (!mayDiffer || done.Status != CodecStatus.WindowTooLarge)
                whole.IsOk.ShouldBeFalse();
            if (isGood)
                _back.AsSpan(0, length).SequenceEqual(_step.AsSpan(0, length)).ShouldBeTrue();
        }
    }

    private void Feed(byte[] bytes, int step)
    {
        var (status, content, _) = Payloads.Feed(_zstd, bytes, step, MaxLength - 1);
        content.Length.ShouldBeLessThan(MaxLength);
        if (status == CodecStatus.Ok && Streams.Decode(_zstd, bytes, 100_000, 100_000, MaxLength - 1) is { Status: not CodecStatus.WindowTooLarge } other)
            other.Content.AsSpan().SequenceEqual(content).ShouldBeTrue();
    }
}
