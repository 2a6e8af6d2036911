using EdgeCache.Edge.Configuration;

namespace EdgeCache.Edge.Cli;

/// <summary><c>edgecache serve</c>: loads, starts, tells where it listens, and stays until it is stopped.</summary>
internal static class ServeCommand
{
    public static async Task<int> RunAsync(ConfigurationSources sources, ProcessContext process, CancellationToken cancellationToken)
    {
        using var folder = sources.Presets.Contains(Presets.TestMode, StringComparer.Ordinal) ? TemporaryFolder.Create() : null;
        var result = await ConfigurationLoader.LoadAsync(sources with { TemporaryFolder = folder?.Path }, cancellationToken);
        if (result.Configuration is not { } configuration)
            return await ErrorReport.WriteAsync(result.Errors, process.Error);

        EdgeNode node;
        try
        {
            node = await EdgeNode.StartAsync(configuration, cancellationToken);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            await process.Error.WriteLineAsync($"edgecache: {e.Message}");
            return ExitCode.Failure;
        }
        await using (node)
        {
            await StartBlock.WriteAsync(node, process.Output);
            await node.WaitForShutdownAsync(cancellationToken);
        }
        return ExitCode.Success;
    }
}
