using System.Runtime.InteropServices;
using EdgeCache.Bench.Peers;

// Every way to be asked to stop takes the same path, so that servers are killed and folders removed whatever happens.
using var stop = new CancellationTokenSource();
PosixSignal[] signals = [PosixSignal.SIGINT, PosixSignal.SIGTERM, PosixSignal.SIGHUP];
var handlers = signals.Select(signal => PosixSignalRegistration.Create(signal, Stop)).ToList();
try
{
    return await CommandLine.InvokeAsync(args, stop.Token);
}
catch (Exception) when (stop.IsCancellationRequested)
{
    // The same Ctrl+C reaches wrk and the servers, so what fails first is a matter of chance.
    await Console.Error.WriteLineAsync("Stopped.");
    return 130;
}
catch (MissingToolException exception)
{
    await Console.Error.WriteLineAsync(exception.Message);
    return 2;
}
catch (BenchException exception)
{
    await Console.Error.WriteLineAsync(exception.Message);
    return 1;
}
finally
{
    handlers.ForEach(handler => handler.Dispose());
}

void Stop(PosixSignalContext context)
{
    context.Cancel = true;
    stop.Cancel();
}
