using EdgeCache.Edge.Cli;
using EdgeCache.Edge.Transport;

// The runtime looks for it once, when the first socket is made.
InlineTurn.TurnOn();
return await CommandLine.RunAsync(args, ProcessContext.Current());
