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

        // Who has configured a bucket takes it that blobs get there.
        if (configuration.Settings.Options.Storage.S3.Bucket is { } bucket)
        {
            await process.Error.WriteLineAsync($"edgecache: {S3Settings.Section}:Bucket = \"{bucket}\": this version can only probe a bucket (edgecache probe-s3), not serve from it. Remove the setting to store blobs locally alone.");
            return ExitCode.Usage;
        }

        if (configuration.Settings.Options.Storage.Origin.Cluster is { } cluster)
        {
            await process.Error.WriteLineAsync($"edgecache: {OriginSettings.Section}:Cluster = \"{cluster}\": this version can't serve from an origin. Remove the setting to store blobs locally alone.");
            return ExitCode.Usage;
        }

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
