using EdgeCache.Edge.Cli;

// The runtime asks once, before the first socket. Whoever sets it to 0 wants the thread pool to do all work.
const string InlineCompletions = "DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS";
if (Environment.GetEnvironmentVariable(InlineCompletions) is null)
    Environment.SetEnvironmentVariable(InlineCompletions, "1");

return await CommandLine.RunAsync(args, ProcessContext.Current());
