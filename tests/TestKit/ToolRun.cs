using System.Diagnostics;
using System.Text;

namespace EdgeCache.TestKit;

/// <summary>How a program ended and what it said.</summary>
/// <param name="ExitCode">Its exit code.</param>
/// <param name="Output">What it wrote to standard output.</param>
/// <param name="Error">What it wrote to standard error.</param>
public sealed record ToolRun(int ExitCode, string Output, string Error)
{
    private static readonly TimeSpan DefaultLimit = TimeSpan.FromSeconds(60);

    /// <summary>Runs a program to its end, without a shell, and kills it when it takes too long.</summary>
    public static async Task<ToolRun> RunAsync(
        string program, IEnumerable<string> arguments, ReadOnlyMemory<byte> input = default, string? folder = null, IReadOnlyDictionary<string, string>? environment = null, TimeSpan? limit = null)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardOutputEncoding = Encoding.Latin1,
            StandardErrorEncoding = Encoding.Latin1,
            WorkingDirectory = folder ?? "",
        };
        CleanEnvironment.Apply(start);
        foreach (var (name, value) in environment ?? new Dictionary<string, string>(StringComparer.Ordinal))
            start.Environment[name] = value;
        using var process = Process.Start(start)!;
        using var time = new CancellationTokenSource(limit ?? DefaultLimit);
        try
        {
            var output = process.StandardOutput.ReadToEndAsync(time.Token);
            var error = process.StandardError.ReadToEndAsync(time.Token);
            await FeedAsync(process, input, time.Token);
            await process.WaitForExitAsync(time.Token);
            return new ToolRun(process.ExitCode, await output, await error);
        }
        finally
        {
            process.Kill(entireProcessTree: true);
        }
    }

    /// <summary>The output of a run that must succeed.</summary>
    public string Succeeded() => ExitCode == 0 ? Output : throw new InvalidOperationException($"Exit code {ExitCode}.\n{Output}\n{Error}");

    private static async Task FeedAsync(Process process, ReadOnlyMemory<byte> input, CancellationToken cancellationToken)
    {
        try
        {
            await process.StandardInput.BaseStream.WriteAsync(input, cancellationToken);
            process.StandardInput.Close();
        }
        catch (IOException)
        {
            // The program ended without reading all of it; its exit code tells whether it should have.
        }
    }
}
