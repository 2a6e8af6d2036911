using System.CommandLine;

namespace EdgeCache.Edge.Cli;

/// <summary>The command line: which command runs, and what happens when it can't be understood.</summary>
internal static class CommandLine
{
    public static async Task<int> RunAsync(IReadOnlyList<string> args, ProcessContext process, CancellationToken cancellationToken = default)
    {
        var result = Build(process).Parse(args);
        if (result.Errors.Count > 0)
        {
            foreach (var error in result.Errors)
                await process.Error.WriteLineAsync($"edgecache: {error.Message}");
            await process.Error.WriteLineAsync("Run 'edgecache --help' for the commands and flags.");
            return ExitCode.Usage;
        }

        // The host handles signals itself: it drains for as long as it is told to, where this library would end the process after two seconds.
        var invocation = new InvocationConfiguration
        {
            Output = process.Output,
            Error = process.Error,
            EnableDefaultExceptionHandler = false,
            ProcessTerminationTimeout = null,
        };
        return await result.InvokeAsync(invocation, cancellationToken);
    }

    private static RootCommand Build(ProcessContext process)
    {
        var flags = new SettingFlags();
        var root = new RootCommand("A cache node for build artifacts. Without a command it serves.");
        var serve = new Command("serve", "Serves until it is stopped (the default)") { Aliases = { "cache-server" } };
        var check = new Command("check-config", "Prints the configuration in force and where each value comes from, or everything that is wrong with it");
        var scrub = new Command("scrub", "Re-hashes everything in the store's folder, which no node may be using, and puts damaged blobs aside");
        flags.AddTo(root);
        scrub.Options.Add(ScrubCommand.Rate);
        root.Subcommands.Add(serve);
        root.Subcommands.Add(check);
        root.Subcommands.Add(new ListCommand().Make(flags, process));
        root.Subcommands.Add(OutboxCommand.Make(flags, process));
        root.Subcommands.Add(scrub);
        root.Subcommands.Add(new TokenCommand(flags, process).Make());
        root.Subcommands.Add(new SignCommand().Make(flags, process));
        root.Subcommands.Add(new ProbeS3Command().Build(flags, process));
        root.SetAction((result, stop) => ServeCommand.RunAsync(flags.Read(result, process), process, stop));
        serve.SetAction((result, stop) => ServeCommand.RunAsync(flags.Read(result, process), process, stop));
        check.SetAction((result, stop) => CheckConfigCommand.RunAsync(flags.Read(result, process), process, stop));
        scrub.SetAction((result, stop) => ScrubCommand.RunAsync(ScrubCommand.Read(result, flags.Read(result, process)), process, stop));
        return root;
    }
}
