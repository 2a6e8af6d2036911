using System.Globalization;
using EdgeCache.Codecs.Choosing;
using EdgeCache.Codecs.Frames;
using EdgeCache.Codecs.Lz4;
using EdgeCache.Codecs.Zstd;

namespace EdgeCache.Bench.Codecs;

/// <summary>What is gained on each file: what would be chosen for it, what is left of it, and how fast.</summary>
internal static class Table
{
    private static readonly ZstdCodec Zstd = new();

    public static int Run(FileInfo[] files, int seconds)
    {
        Console.WriteLine("| content | MiB | choice | zstd 1: left, MB/s | zstd 5: left, MB/s | decoding MB/s | LZ4: left, MB/s |");
        Console.WriteLine("|---|---|---|---|---|---|---|");
        var chooser = new CompressionChooser(Zstd, new Idle());
        foreach (var file in files)
        {
            var pieces = new Pieces(file);
            var first = pieces.Content[..Math.Min(SeekTable.FrameContentLength, pieces.Content.Length)];
            var choice = chooser.Choose(file.Name, first, new CompressionPolicy());
            if (choice.Method == CompressionMethod.Zstd)
            {
                var frame = FrameCompressor.Compress(Zstd, first, new byte[FrameCompressor.Measure(Zstd, first.Length)], choice.Level, out var status);
                choice = CompressionChooser.Judge(choice, first.Length, frame, status);
            }
            var one = (pieces.Compress(Zstd, 1, seconds), Left(pieces));
            var five = (pieces.Compress(Zstd, 5, seconds), Left(pieces));
            var decoding = pieces.Decompress(Zstd, seconds);
            var lz4 = (pieces.Compress(new Lz4Codec(), 1, seconds), Left(pieces));
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"| {file.Name} | {pieces.Content.Length / 1048576.0:F1} | {choice.Method}: {choice.Reason} | {one.Item2:P1}, {one.Item1:F0} | {five.Item2:P1}, {five.Item1:F0} | {decoding:F0} | {lz4.Item2:P1}, {lz4.Item1:F0} |"));
        }
        return 0;
    }

    private static double Left(Pieces pieces) => (double)pieces.PayloadLength / pieces.Content.Length;

    private sealed class Idle : ICpuPressure
    {
        public double Current => 0;
    }
}
