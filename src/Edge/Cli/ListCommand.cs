using System.CommandLine;
using System.Globalization;
using System.Text;
using System.Text.Json;
using EdgeCache.Edge.Configuration;
using EdgeCache.Storage;
using EdgeCache.Storage.Local;

namespace EdgeCache.Edge.Cli;

/// <summary><c>edgecache list</c>: says which blobs a store has that no node is running on.</summary>
internal sealed class ListCommand
{
    /// <summary>Characters that are gathered for one write.</summary>
    private const int BufferLength = 32 * 1024;

    private readonly Option<string> _namespace = Filter("--namespace", "NAME", "Blobs of this namespace [default: of every one]");
    private readonly Option<string> _tenant = Filter("--tenant", "NAME", "Blobs of this tenant; an empty text for those without one");
    private readonly Option<string> _prefix = Filter("--prefix", "TEXT", "Blobs whose keys begin so");
    private readonly Option<string> _tag = Filter("--tag", "TAG", "Blobs that have this tag");
    private readonly Option<string> _writer = Filter("--writer", "NAME", "Blobs that this principal wrote; an empty text for those of whom that is not known");
    private readonly Option<bool> _json = new("--json") { Description = "A JSON object a line" };

    public Command Make(SettingFlags flags, ProcessContext process)
    {
        var list = new Command("list", "Lists the blobs of a store that no node is running on: key, bytes, when it was stored")
        {
            Options = { _namespace, _tenant, _prefix, _tag, _writer, _json },
        };
        list.SetAction((result, stop) => RunAsync(flags.Read(result, process), result, process, stop));
        return list;
    }

    private async Task<int> RunAsync(ConfigurationSources sources, ParseResult arguments, ProcessContext process, CancellationToken cancellationToken)
    {
        // The store of a test mode goes with its node: there is none to list.
        var result = await ConfigurationLoader.LoadAsync(sources with { TemporaryFolder = TemporaryFolder.Pattern }, cancellationToken);
        if (result.Configuration is not { } configuration)
            return await ErrorReport.WriteAsync(result.Errors, process.Error);
        try
        {
            using var loggers = LoggerFactory.Create(l => l.AddConsole(c => c.LogToStandardErrorThreshold = LogLevel.Trace).SetMinimumLevel(LogLevel.Warning));
            await using var store = await StoreFactory.OpenIdleAsync(configuration.Settings, loggers.CreateLogger<LocalStore>(), TimeProvider.System, cancellationToken);
            foreach (var name in arguments.GetValue(_namespace) is { } one ? [one] : store.Namespaces)
            {
                var prefix = new BlobPrefix(
                    name, arguments.GetValue(_tenant), arguments.GetValue(_prefix) ?? "", arguments.GetValue(_tag), arguments.GetValue(_writer));
                await WriteAsync(store.ListAsync(prefix, cancellationToken), arguments.GetValue(_json), process.Output);
            }
            await process.Output.FlushAsync(cancellationToken);
            return ExitCode.Success;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            await process.Error.WriteLineAsync($"edgecache: {e.Message}");
            return ExitCode.Failure;
        }
    }

    private static async Task WriteAsync(IAsyncEnumerable<BlobListing> blobs, bool json, TextWriter output)
    {
        var buffer = new StringBuilder();
        await foreach (var blob in blobs)
        {
            buffer.Append(json ? JsonLine(blob) : TextLine(blob)).Append('\n');
            if (buffer.Length < BufferLength)
                continue;
            await output.WriteAsync(buffer);
            buffer.Clear();
        }
        await output.WriteAsync(buffer);
    }

    private static string TextLine(BlobListing blob) => string.Create(CultureInfo.InvariantCulture, $"{blob.Key}\t{blob.Length}\t{blob.Created:yyyy-MM-ddTHH:mm:ss.fffZ}");

    private static string JsonLine(BlobListing blob) =>
        JsonSerializer.Serialize(new { @namespace = blob.Key.Namespace, tenant = blob.Key.Tenant, key = blob.Key.Key, length = blob.Length, created = blob.Created.UtcDateTime });

    private static Option<string> Filter(string name, string value, string help) => new(name) { HelpName = value, Description = help };
}
