using System.Diagnostics;

namespace EdgeCache.Bench.Peers;

/// <summary>Programs of the machine: where they are, and running one to its end.</summary>
internal static class Tools
{
    /// <summary>nginx is in a folder that is not on the path of ordinary users on Debian.</summary>
    private static readonly string[] MoreFolders = ["/usr/local/sbin", "/usr/sbin", "/sbin"];

    public static void Require(params string[] names)
    {
        var missing = names.Where(name => Find(name) is null).ToList();
        if (missing.Count > 0)
        {
            throw new MissingToolException(
                $"Not installed: {string.Join(", ", missing)}. On Debian or Ubuntu: apt-get install nginx wrk coreutils");
        }
    }

    public static string? Find(string name) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':', StringSplitOptions.RemoveEmptyEntries)
            .Concat(MoreFolders)
            .Select(folder => Path.Combine(folder, name))
            .FirstOrDefault(File.Exists);

    /// <summary>Runs a program, kills it at the limit or on cancellation, and returns what it wrote to both streams.</summary>
    public static async Task<string> RunAsync(string name, IEnumerable<string> arguments, TimeSpan limit, CancellationToken cancel)
    {
        var info = new ProcessStartInfo(Find(name) ?? name, arguments) { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true };
        info.Environment["LC_ALL"] = "C";
        using var process = Process.Start(info) ?? throw new BenchException($"{name} did not start.");
        using var timeout = new CancellationTokenSource(limit, TimeProvider.System);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancel);
        try
        {
            var output = process.StandardOutput.ReadToEndAsync(either.Token);
            var error = process.StandardError.ReadToEndAsync(either.Token);
            await process.WaitForExitAsync(either.Token);
            var text = await output + await error;
            return process.ExitCode == 0 ? text : throw new BenchException($"{name} failed with {process.ExitCode}:\n{text.Trim()}");
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            throw new BenchException($"{name} did not end within {limit.TotalSeconds:N0} s.");
        }
        finally
        {
            if (!process.HasExited)
            {
                process.Kill(entireProcessTree: true);
            }
        }
    }
}
