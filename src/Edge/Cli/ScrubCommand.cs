using System.CommandLine;
using System.Globalization;
using System.Runtime.InteropServices;
using EdgeCache.Edge.Configuration;
using EdgeCache.Storage.Local;
using Microsoft.Extensions.Logging.Abstractions;

namespace EdgeCache.Edge.Cli;

/// <summary><c>edgecache scrub</c>: re-hashes everything in a folder that no node uses, and tells what it found.</summary>
internal static class ScrubCommand
{
    private const string RateKey = "EdgeCache:Storage:ScrubRate";

    /// <summary>The one flag of its own.</summary>
    public static Option<string> Rate { get; } = new("--rate") { HelpName = "SIZE", Description = "How fast to read, a second, such as 500MiB [default: 20 MiB]" };

    /// <summary>Adds its own flag to what the others say.</summary>
    public static ConfigurationSources Read(ParseResult result, ConfigurationSources sources)
    {
        if (result.GetValue(Rate) is not { } rate)
            return sources;
        var flag = new ConfigurationValue(rate, $"flag {Rate.Name}", ConfigurationLayer.Flag);
        return sources with { Flags = new Dictionary<string, ConfigurationValue>(sources.Flags, StringComparer.OrdinalIgnoreCase) { [RateKey] = flag } };
    }

    public static async Task<int> RunAsync(ConfigurationSources sources, ProcessContext process, CancellationToken cancellationToken)
    {
        var result = await ConfigurationLoader.LoadAsync(sources, cancellationToken);
        if (result.Configuration is not { } configuration)
            return await ErrorReport.WriteAsync(result.Errors, process.Error);
        var storage = configuration.Settings.Options.Storage;
        if (!LocalStore.IsStore(storage.Path!))
        {
            await process.Error.WriteLineAsync($"edgecache: There is no store in '{storage.Path}'.");
            return ExitCode.NotDone;
        }

        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
        try
        {
            await using var store = await StoreFactory.OpenIdleAsync(configuration.Settings, NullLogger.Instance, TimeProvider.System, stop.Token);
            return await ScrubAsync(store, storage.ScrubRate.Bytes, process, stop.Token);
        }
        catch (StoreUnavailableException error)
        {
            await process.Error.WriteLineAsync($"edgecache: {error.Message}");
            await process.Error.WriteLineAsync("A running node scrubs by itself: see EdgeCache:Storage:ScrubInterval, which it takes up without a restart.");
            return ExitCode.NotDone;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            await process.Error.WriteLineAsync($"edgecache: {error.Message}");
            return ExitCode.NotDone;
        }
        catch (OperationCanceledException)
        {
            await process.Error.WriteLineAsync("edgecache: Stopped before the end. What was found until then is in quarantine.");
            return ExitCode.NotDone;
        }

        void Stop(PosixSignalContext context)
        {
            // The store is closed first; by default the process would end here.
            context.Cancel = true;
            stop.Cancel();
        }
    }

    private static async Task<int> ScrubAsync(LocalStore store, long rate, ProcessContext process, CancellationToken cancellationToken)
    {
        var time = TimeProvider.System;
        var began = time.GetTimestamp();
        var state = store.State;
        var bar = new ScrubProgressBar(process.Output, process.IsTerminal, state.Blobs, state.Namespaces.Sum(n => n.Bytes), time);
        ScrubProgress found;
        try
        {
            found = await store.ScrubAsync(rate, bar.Show, cancellationToken);
        }
        finally
        {
            bar.End();
        }
        var seconds = time.GetElapsedTime(began).TotalSeconds;
        await process.Output.WriteLineAsync(string.Create(
            CultureInfo.InvariantCulture, $"Scrubbed {found.Blobs} blobs, {found.Bytes} bytes in {seconds:0.0} s: {found.Damaged} damaged, {found.Unreadable} unreadable."));
        if (found.Damaged > 0)
            await process.Output.WriteLineAsync("Damaged blobs are in the store's folder quarantine and count as missing; the next write heals them.");
        if (found.Unreadable > 0)
            await process.Output.WriteLineAsync("Unreadable blobs were left as they are: the disk failed to read them.");
        return found.Damaged + found.Unreadable > 0 ? ExitCode.Damage : ExitCode.Success;
    }
}
