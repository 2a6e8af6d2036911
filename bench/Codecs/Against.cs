using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using EdgeCache.Codecs;
using EdgeCache.Codecs.Lz4;
using EdgeCache.Codecs.Zstd;

namespace EdgeCache.Bench.Codecs;

/// <summary>Ours and the tools' own benchmarks, by turns. Both compress pieces of 1 MiB with a context that is kept, on one processor.</summary>
internal static partial class Against
{
    private const int Rounds = 3;

    public static async Task<int> RunAsync(FileInfo[] files, int seconds, CancellationToken cancellationToken)
    {
        Console.WriteLine("| file | codec | ours MB/s | tool MB/s | ours/tool | ours ratio | tool ratio |");
        Console.WriteLine("|---|---|---|---|---|---|---|");
        foreach (var file in files)
        {
            foreach (var level in (int[])[1, 3, 5, 9])
                await CompareAsync(file, new ZstdCodec(), level, seconds, "zstd", [$"-b{level}", $"-e{level}", "-B1MiB"], cancellationToken);
            await CompareAsync(file, new Lz4Codec(), 1, seconds, "lz4", ["-b1", "-e1", "-B6"], cancellationToken);
        }
        return 0;
    }

    private static async Task CompareAsync(FileInfo file, ICodec codec, int level, int seconds, string tool, string[] arguments, CancellationToken cancellationToken)
    {
        var pieces = new Pieces(file);
        var (ours, theirs, ratio) = (0.0, 0.0, 0.0);
        for (var round = 0; round < Rounds; round++)
        {
            ours = Math.Max(ours, pieces.Compress(codec, level, seconds));
            var answer = await RunAsync(tool, [.. arguments, $"-i{seconds}", file.FullName], cancellationToken);
            theirs = Math.Max(theirs, answer.Speed);
            ratio = answer.Ratio;
        }
        var own = (double)pieces.Content.Length / pieces.PayloadLength;
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| {file.Name} | {codec.Name} {level} | {ours:F0} | {theirs:F0} | {ours / theirs:F2} | {own:F3} | {ratio:F3} |"));
    }

    private static async Task<(double Ratio, double Speed)> RunAsync(string tool, string[] arguments, CancellationToken cancellationToken)
    {
        var start = new ProcessStartInfo(tool, arguments) { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true };
        using var process = Process.Start(start)!;
        var (output, error) = (process.StandardOutput.ReadToEndAsync(cancellationToken), process.StandardError.ReadToEndAsync(cancellationToken));
        await process.WaitForExitAsync(cancellationToken);
        // The last line that is complete; before it, how far it had got.
        var match = Line().Matches(await output + await error).LastOrDefault() ?? throw new InvalidOperationException($"{tool} said nothing that can be read: {await output}{await error}");
        return (Number(match, "ratio"), Number(match, "speed"));
    }

    private static double Number(Match match, string group) => double.Parse(match.Groups[group].Value, CultureInfo.InvariantCulture);

    [GeneratedRegex(@"\(x?(?<ratio>[0-9.]+)\),\s*(?<speed>[0-9.]+) MB/s\s*,\s*[0-9.]+ MB/s", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Line();
}
