using EdgeCache.Edge.Cli;

return await CommandLine.RunAsync(args, ProcessContext.Current());
