using System.Reflection;
using EdgeCache.Edge.Access;
using EdgeCache.Edge.Configuration;
using Microsoft.Extensions.Logging.Console;

namespace EdgeCache.Edge.Cli;

/// <summary>Tells whoever started the node where it listens and what it uses: a few lines for people, one event where logs are for machines.</summary>
internal static partial class StartBlock
{
    public static string Version { get; } =
        typeof(StartBlock).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion.Split('+')[0];

    public static async Task WriteAsync(EdgeNode node, TextWriter output)
    {
        var settings = node.Configuration.Settings;
        var access = settings.Token is null && !TokenListFile.IsExpected(settings.Options) ? "no token needed: everybody who reaches the port may read and write" : "a token is needed";
        var urls = string.Join(", ", node.Urls);
        var formatter = node.Configuration.HostValues.GetValueOrDefault($"{FrameworkSections.Logging}:Console:FormatterName");
        if (!string.IsNullOrEmpty(formatter) && !formatter.Equals(ConsoleFormatterNames.Simple, StringComparison.OrdinalIgnoreCase))
        {
            LogStarted(node.Logger, Version, urls, node.ManagementUrl ?? "none", settings.Options.Storage.Path!, settings.Options.Storage.MaxSize, access);
            return;
        }
        await output.WriteLineAsync($"EdgeCache {Version}");
        await output.WriteLineAsync($"  listens on   {urls}");
        if (node.ManagementUrl is { } management)
            await output.WriteLineAsync($"  management   {management}");
        await output.WriteLineAsync($"  store        {settings.Options.Storage.Path} (up to {settings.Options.Storage.MaxSize})");
        if (settings.Options.Storage.S3.Bucket is { } bucket)
            await output.WriteLineAsync($"  behind it    the bucket {bucket} at {settings.Options.Storage.S3.Endpoint ?? $"AWS, {settings.Options.Storage.S3.Region}"}");
        if (settings.Options.Storage.Origin.Cluster is { } cluster)
            await output.WriteLineAsync($"  behind it    the cluster {cluster}");
        await output.WriteLineAsync($"  access       {access}");
        await output.FlushAsync();
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "EdgeCache {Version} listens on {Urls}, management {Management}, store {Store} (up to {MaxSize}), {Access}")]
    private static partial void LogStarted(ILogger logger, string version, string urls, string management, string store, ByteSize maxSize, string access);
}
