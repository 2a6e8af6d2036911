using System.Runtime.InteropServices;

namespace EdgeCache.Bench.Peers.Reports;

/// <summary>Where and how the figures were taken. Without these they cannot be compared with anybody else's.</summary>
internal static class MachineFacts
{
    public static async Task<IReadOnlyList<(string Name, string Value)>> ReadAsync(Settings settings, Workspace workspace, CancellationToken cancel)
    {
        var fileSystem = workspace.FileSystem;
        var nginx = await Tools.RunAsync("nginx", ["-v"], TimeSpan.FromSeconds(10), cancel);
        var load = (await File.ReadAllTextAsync("/proc/loadavg", cancel)).Split(' ')[0];
        return
        [
            ("Date", TimeProvider.System.GetUtcNow().ToString("yyyy-MM-dd HH:mm 'UTC'")),
            ("Command", settings.Command),
            ("EdgeCache", settings.Executable is null ? await Repository.DescribeAsync(cancel) : "the executable given"),
            ("Cores", $"{Environment.ProcessorCount} ({ProcessorName()}), shared with the load generator"),
            ("Memory", $"{GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / (1024.0 * BodySize.MiB):N1} GiB"),
            ("Load average before", load),
            ("Kernel", $"{(await File.ReadAllTextAsync("/proc/sys/kernel/osrelease", cancel)).Trim()} {RuntimeInformation.OSArchitecture}, {RuntimeInformation.OSDescription}"),
            ("File system", fileSystem is "tmpfs" or "ramfs" ? $"{fileSystem}: syncs cost nothing here, so figures for PUT mean nothing; see --folder" : fileSystem),
            (".NET", RuntimeInformation.FrameworkDescription),
            ("nginx", nginx.Trim().Replace("nginx version: ", "", StringComparison.Ordinal)),
        ];
    }

    private static string ProcessorName() =>
        File.ReadLines("/proc/cpuinfo")
            .Where(line => line.StartsWith("model name", StringComparison.Ordinal))
            .Select(line => line[(line.IndexOf(':', StringComparison.Ordinal) + 1)..].Trim())
            .FirstOrDefault("unknown model");
}
