using EdgeCache.Codecs.Frames;
using EdgeCache.Codecs.Zstd;
using EdgeCache.TestKit;

namespace EdgeCache.Codecs.Tests.Zstd;

/// <summary>The real <c>zstd</c> reads ours, and we read its.</summary>
public sealed class ZstdToolTests : IDisposable
{
    private const int Length = 1_300_000;

    private readonly TestFolder _folder = new();
    private readonly ZstdCodec _codec = new();
    private readonly byte[] _content = Contents.Mixed(Length, seed: 5);

    [Fact]
    public async Task The_tool_reads_frames_of_all_levels_raw_frames_and_the_table_behind_them()
    {
        var tool = Tools.Require("zstd", "zstd");
        for (var level = 0; level <= _codec.MaxLevel; level++)
        {
            var (payload, _) = Payloads.Framed(_codec, _content, level);
            var back = await DecodeAsync(tool, payload);
            back.AsSpan().SequenceEqual(_content).ShouldBeTrue($"level {level}");
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(131_072)]
    [InlineData(131_073)]
    [InlineData(1_048_576)]
    public async Task The_tool_reads_a_raw_frame_of_any_length(int length)
    {
        var tool = Tools.Require("zstd", "zstd");
        var frame = new byte[RawFrame.Measure(length)];
        RawFrame.Write(_content.AsSpan(0, length), frame).ShouldBe(frame.Length);
        (await DecodeAsync(tool, frame)).ShouldBe(_content[..length]);
    }

    [Fact]
    public async Task The_tool_reads_streams_with_and_without_length_and_checksum()
    {
        var tool = Tools.Require("zstd", "zstd");
        foreach (var options in (EncoderOptions[])[new() { Level = 1 }, new() { Level = 9, Checksum = true }, new() { Level = 5, ContentLength = Length }])
        {
            var payload = Streams.Encode(_codec, options, _content, 100_000, 50_000, flushEvery: 4);
            (await DecodeAsync(tool, payload)).AsSpan().SequenceEqual(_content).ShouldBeTrue();
        }
    }

    [Fact]
    public async Task We_read_what_the_tool_makes_at_all_levels_with_and_without_length_and_checksum()
    {
        var tool = Tools.Require("zstd", "zstd");
        var path = _folder.Write("content", _content);
        for (var level = 1; level <= 19; level++)
        {
            // From a pipe the tool does not know the length, and does not say it.
            var payload = level % 2 == 0 ? await EncodeAsync(tool, _content, $"-{level}", "-c") : await EncodeAsync(tool, default, $"-{level}", "-c", level % 3 == 0 ? "--no-check" : "--check", path);
            var (status, content) = Streams.Decode(_codec, payload, 65_536, 100_000);
            status.ShouldBe(CodecStatus.Ok, $"level {level}");
            content.AsSpan().SequenceEqual(_content).ShouldBeTrue($"level {level}");
            Payloads.Feed(_codec, payload, 50_000, long.MaxValue).Content.AsSpan().SequenceEqual(_content).ShouldBeTrue($"level {level}");
            var back = new byte[Length];
            _codec.Decompress(payload, back).ShouldBe(new CodecResult(CodecStatus.Ok, Length));
        }
    }

    [Fact]
    public async Task What_was_made_with_a_dictionary_is_refused_clearly()
    {
        var tool = Tools.Require("zstd", "zstd");
        var samples = Enumerable.Range(0, 300).Select(i => _folder.Write($"sample{i}", Contents.Text(600, seed: i))).ToList();
        var dictionary = _folder.File("dictionary");
        (await ToolRun.RunAsync(tool, ["--train", "-q", "--maxdict=4096", "-o", dictionary, .. samples])).Succeeded();
        var payload = await EncodeAsync(tool, Contents.Text(2000, seed: 999), "-D", dictionary, "-c");
        Streams.Decode(_codec, payload, 100, 100).Status.ShouldBe(CodecStatus.DictionaryNeeded);
        Payloads.Feed(_codec, payload, 100, long.MaxValue).Status.ShouldBe(CodecStatus.DictionaryNeeded);
        _codec.Decompress(payload, new byte[2000]).Status.ShouldBe(CodecStatus.DictionaryNeeded);
    }

    [Fact]
    public async Task A_long_window_is_refused_clearly()
    {
        var tool = Tools.Require("zstd", "zstd");
        var payload = await EncodeAsync(tool, _content, "--long=27", "-c");
        Streams.Decode(_codec, payload, 10_000, 10_000).Status.ShouldBe(CodecStatus.WindowTooLarge);
        Payloads.Feed(_codec, payload, 10_000, long.MaxValue).Status.ShouldBe(CodecStatus.WindowTooLarge);
    }

    public void Dispose() => _folder.Dispose();

    private static async Task<byte[]> EncodeAsync(string tool, ReadOnlyMemory<byte> input, params string[] arguments) =>
        System.Text.Encoding.Latin1.GetBytes((await ToolRun.RunAsync(tool, arguments, input)).Succeeded());

    private async Task<byte[]> DecodeAsync(string tool, byte[] payload) => await EncodeAsync(tool, default, "-d", "-c", _folder.Write("payload.zst", payload));
}
