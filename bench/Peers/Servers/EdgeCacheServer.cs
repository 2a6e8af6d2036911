using System.Diagnostics;

namespace EdgeCache.Bench.Peers.Servers;

/// <summary>The product as users run it: the published executable, in a process of its own.</summary>
/// <param name="Executable">The program to start.</param>
/// <param name="Environment">Extra environment for it.</param>
internal sealed record EdgeCacheServer(string Executable, IReadOnlyList<KeyValuePair<string, string>> Environment)
{
    private static readonly TimeSpan PublishLimit = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(60);

    /// <summary>A run must be fully described by its command line, so nothing the shell happens to hold may change the product or its runtime.</summary>
    private static readonly string[] NotInherited = ["BUILDER_", "EdgeCache__", "ASPNETCORE_", "DOTNET_", "COMPlus_", "Logging__", "Kestrel__", "ReverseProxy__"];

    public static async Task<EdgeCacheServer> PrepareAsync(Settings settings, Workspace workspace, CancellationToken cancel)
    {
        if (settings.Executable is { } given)
        {
            return File.Exists(given) ? new(given, settings.Environment) : throw new BenchException($"There is no {given}.");
        }

        Console.WriteLine("Publishing src/Edge ...");
        var folder = workspace.NewFolder("edgecache");
        var project = Path.Combine(Repository.Root(), "src", "Edge");
        // Build servers would stay behind and take processor time from the first measurements.
        string[] arguments = ["publish", project, "-c", "Release", "-o", folder, "--nologo", "-v", "quiet", "-nodeReuse:false", "-p:UseSharedCompilation=false"];
        await Tools.RunAsync("dotnet", arguments, PublishLimit, cancel);
        return new(Path.Combine(folder, "edgecache"), settings.Environment);
    }

    public async Task<ServerProcess> StartAsync(string store, CancellationToken cancel)
    {
        var port = ServerProcess.FreePort();
        string[] arguments = ["serve", "--host", "127.0.0.1", "--port", $"{port}", "--storage", store, "--max-size", "50GiB"];
        var info = new ProcessStartInfo(Executable, arguments) { WorkingDirectory = Path.GetDirectoryName(Executable) };
        foreach (var name in info.Environment.Keys.Where(IsNotInherited).ToList())
        {
            info.Environment.Remove(name);
        }

        info.Environment["Logging__LogLevel__Default"] = "Warning";
        foreach (var (name, value) in Environment)
        {
            info.Environment[name] = value;
        }

        var server = new ServerProcess("EdgeCache", port, info);
        try
        {
            await server.WaitReadyAsync("/health/ready", StartLimit, cancel);
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    /// <summary>Where the runtime is must still be known to the executable.</summary>
    private static bool IsNotInherited(string name) =>
        !name.StartsWith("DOTNET_ROOT", StringComparison.Ordinal) && Array.Exists(NotInherited, prefix => name.StartsWith(prefix, StringComparison.OrdinalIgnoreCase));
}
