using System.Globalization;
using EdgeCache.Codecs.Estimating;
using EdgeCache.Codecs.Frames;

namespace EdgeCache.Bench.Codecs;

/// <summary>How long it takes to judge pieces of 1 MiB, each looked at for the first time in a while: the file is gone through again and again.</summary>
internal static class Estimate
{
    public static int Run(FileInfo[] files, int seconds)
    {
        Console.WriteLine("| file | bits a byte, first piece | µs a piece, mean | GB/s of content |");
        Console.WriteLine("|---|---|---|---|");
        foreach (var file in files)
        {
            var content = File.ReadAllBytes(file.FullName);
            var (pieces, sum) = (0L, 0.0);
            var began = TimeProvider.System.GetTimestamp();
            do
            {
                for (var at = 0; at + SeekTable.FrameContentLength <= content.Length; at += SeekTable.FrameContentLength, pieces++)
                    sum += EntropyEstimate.BitsPerByte(content.AsSpan(at, SeekTable.FrameContentLength)) + (MagicNumbers.IsCompressed(content.AsSpan(at)) ? 1 : 0);
            }
            while (TimeProvider.System.GetElapsedTime(began).TotalSeconds < seconds && pieces > 0);
            var took = TimeProvider.System.GetElapsedTime(began).TotalSeconds;
            if (pieces == 0 || double.IsNaN(sum))
                throw new InvalidOperationException($"{file.Name} is shorter than 1 MiB.");
            var first = EntropyEstimate.BitsPerByte(content.AsSpan(0, SeekTable.FrameContentLength));
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| {file.Name} | {first:F2} | {took * 1e6 / pieces:F1} | {pieces * SeekTable.FrameContentLength / 1e9 / took:F0} |"));
        }
        return 0;
    }
}
