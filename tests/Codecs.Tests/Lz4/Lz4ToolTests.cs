using EdgeCache.Codecs.Lz4;
using EdgeCache.TestKit;

namespace EdgeCache.Codecs.Tests.Lz4;

/// <summary>The real <c>lz4</c> reads ours, and we read its.</summary>
public sealed class Lz4ToolTests : IDisposable
{
    private const int Length = 1_300_000;

    private readonly TestFolder _folder = new();
    private readonly Lz4Codec _codec = new();
    private readonly byte[] _content = Contents.Mixed(Length, seed: 6);

    [Fact]
    public async Task The_tool_reads_frames_and_streams_of_all_levels()
    {
        var tool = Tools.Require("lz4", "lz4");
        for (var level = 1; level <= _codec.MaxLevel; level++)
        {
            var whole = new byte[_codec.MaxCompressedLength(Length)];
            whole = whole[.._codec.Compress(_content, whole, level).Length];
            (await DecodeAsync(tool, whole)).AsSpan().SequenceEqual(_content).ShouldBeTrue($"level {level}");
            var options = new EncoderOptions { Level = level, Checksum = level % 2 == 0, ContentLength = level % 3 == 0 ? Length : null };
            (await DecodeAsync(tool, Streams.Encode(_codec, options, _content, 100_000, 70_000, flushEvery: 5))).AsSpan().SequenceEqual(_content).ShouldBeTrue($"level {level}");
        }
    }

    [Fact]
    public async Task We_read_what_the_tool_makes_at_all_levels_and_with_all_its_kinds_of_blocks()
    {
        var tool = Tools.Require("lz4", "lz4");
        var path = _folder.Write("content", _content);
        string[][] kinds = [[], ["--content-size"], ["--no-frame-crc"], ["-BD"], ["-B4"], ["-B5", "-BX"], ["-B7", "-BD", "--content-size"]];
        for (var level = 1; level <= 12; level++)
        {
            var payload = await EncodeAsync(tool, default, [$"-{level}", "-c", .. kinds[level % kinds.Length], path]);
            var (status, content) = Streams.Decode(_codec, payload, 65_536, 100_000);
            status.ShouldBe(CodecStatus.Ok, $"level {level}");
            content.AsSpan().SequenceEqual(_content).ShouldBeTrue($"level {level}");
            var back = new byte[Length];
            _codec.Decompress(payload, back).ShouldBe(new CodecResult(CodecStatus.Ok, Length));
        }
    }

    [Fact]
    public async Task What_was_made_with_a_dictionary_is_refused()
    {
        var tool = Tools.Require("lz4", "lz4");
        var text = Contents.Text(20_000);
        var dictionary = _folder.Write("dictionary", text);
        var payload = await EncodeAsync(tool, text, "-D", dictionary, "-c");
        // The tool does not say in its frames that there was one.
        Streams.Decode(_codec, payload, 100, 100).Status.ShouldBe(CodecStatus.Corrupt);
    }

    [Fact]
    public void A_frame_that_names_a_dictionary_is_refused_clearly()
    {
        byte[] start = [0x04, 0x22, 0x4D, 0x18, 0x41 | 0x20, 0x40, 1, 2, 3, 4];
        foreach (var step in (int[])[1, 3, 10])
            Streams.Decode(_codec, start, step, 100).Status.ShouldBe(CodecStatus.DictionaryNeeded);
    }

    [Fact]
    public void The_old_format_is_refused()
    {
        byte[] start = [0x02, 0x21, 0x4C, 0x18, 0, 0, 0, 0];
        Streams.Decode(_codec, start, 100, 100).Status.ShouldBe(CodecStatus.Corrupt);
    }

    public void Dispose() => _folder.Dispose();

    private static async Task<byte[]> EncodeAsync(string tool, ReadOnlyMemory<byte> input, params string[] arguments) =>
        System.Text.Encoding.Latin1.GetBytes((await ToolRun.RunAsync(tool, arguments, input)).Succeeded());

    private async Task<byte[]> DecodeAsync(string tool, byte[] payload) => await EncodeAsync(tool, default, "-d", "-c", _folder.Write("payload.lz4", payload));
}
