using System.CommandLine;
using System.Globalization;
using EdgeCache.Edge.Configuration;
using EdgeCache.Storage.Local;
using EdgeCache.Storage.Local.Outbox;
using EdgeCache.Storage.Tiering;

namespace EdgeCache.Edge.Cli;

/// <summary><c>edgecache outbox</c>: says what a store that no node is running on has still to send to the far store, and what was parked; lets that be tried again.</summary>
internal static class OutboxCommand
{
    public static Command Make(SettingFlags flags, ProcessContext process)
    {
        var release = new Command("release", "Lets what is parked be tried again at the next start");
        release.SetAction((result, stop) => RunAsync(flags.Read(result, process), process, ReleaseAsync, stop));
        var outbox = new Command("outbox", "Shows what a store that no node is running on has still to send to the far store, and what can't be sent and why") { release };
        outbox.SetAction((result, stop) => RunAsync(flags.Read(result, process), process, ShowAsync, stop));
        return outbox;
    }

    private static async Task<int> RunAsync(
        ConfigurationSources sources, ProcessContext process, Func<IOutbox, TextWriter, CancellationToken, Task> work, CancellationToken cancellationToken)
    {
        // The store of a test mode goes with its node: there is none to look into.
        var result = await ConfigurationLoader.LoadAsync(sources with { TemporaryFolder = TemporaryFolder.Pattern }, cancellationToken);
        if (result.Configuration is not { } configuration)
            return await ErrorReport.WriteAsync(result.Errors, process.Error);
        try
        {
            using var loggers = LoggerFactory.Create(l => l.AddConsole(c => c.LogToStandardErrorThreshold = LogLevel.Trace).SetMinimumLevel(LogLevel.Warning));
            var path = configuration.Settings.Options.Storage.Path!;
            // For as long as the store is open, the folder is this process's own.
            await using var store = await StoreFactory.OpenIdleAsync(configuration.Settings, loggers.CreateLogger<LocalStore>(), TimeProvider.System, cancellationToken);
            if (!SqliteOutbox.IsIn(path))
            {
                await process.Output.WriteLineAsync("The store has no outbox.");
                return ExitCode.Success;
            }
            await using var outbox = await SqliteOutbox.OpenAsync(new SqliteOutboxOptions { Path = path }, TimeProvider.System, loggers.CreateLogger<SqliteOutbox>(), cancellationToken);
            await work(outbox, process.Output, cancellationToken);
            await process.Output.FlushAsync(cancellationToken);
            return ExitCode.Success;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            await process.Error.WriteLineAsync($"edgecache: {e.Message}");
            return ExitCode.Failure;
        }
    }

    private static async Task ShowAsync(IOutbox outbox, TextWriter output, CancellationToken cancellationToken)
    {
        var state = outbox.State;
        var since = state.Oldest is { } oldest ? $", the oldest since {Text(oldest)}" : "";
        await output.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"waiting: {state.Waiting} blobs, {state.WaitingBytes} bytes{since}"));
        await output.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"parked: {state.Parked} blobs, {state.ParkedBytes} bytes"));
        foreach (var (entry, reason) in outbox.ListParked(int.MaxValue))
        {
            cancellationToken.ThrowIfCancellationRequested();
            await output.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"{entry.Key}\t{entry.Length}\t{Text(entry.Added)}\t{OneLine(reason)}"));
        }
    }

    private static async Task ReleaseAsync(IOutbox outbox, TextWriter output, CancellationToken cancellationToken)
    {
        var released = await outbox.ReleaseAsync(cancellationToken);
        await output.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"Released {released} blobs; the next start tries to send them again."));
    }

    private static string Text(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ss.fffZ", CultureInfo.InvariantCulture);

    /// <summary>A reason may have the far store's own words in it: nothing of them may pass for another line, or move a terminal's cursor.</summary>
    private static string OneLine(string reason) => string.Concat(reason.Select(c => char.IsControl(c) ? ' ' : c));
}
