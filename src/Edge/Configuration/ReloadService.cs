using System.Runtime.InteropServices;

namespace EdgeCache.Edge.Configuration;

/// <summary>Asks the reloader every second, and at once on SIGHUP.</summary>
internal sealed partial class ReloadService(ConfigurationReloader reloader, TimeProvider time, ILogger<ReloadService> logger) : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, time);
        using var hangup = PosixSignalRegistration.Create(PosixSignal.SIGHUP, context =>
        {
            // Without this the process would end, which is what the signal does by default.
            context.Cancel = true;
            _ = GuardAsync(reloader.ReloadAsync, stoppingToken);
        });
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
                await GuardAsync(reloader.CheckAsync, stoppingToken);
        }
        catch (OperationCanceledException)
        {
            // The node stops.
        }
    }

    /// <summary>Nothing that goes wrong here may take the node down: it serves on with what it has.</summary>
    private async Task GuardAsync(Func<CancellationToken, Task<bool>> reload, CancellationToken cancellationToken)
    {
        try
        {
            await reload(cancellationToken);
        }
        catch (OperationCanceledException)
        {
            // The node stops.
        }
#pragma warning disable CA1031 // See the summary; the fault is logged with its stack.
        catch (Exception e)
#pragma warning restore CA1031
        {
            LogFault(logger, e);
        }
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "The configuration could not be reloaded; the last good one stays in force")]
    private static partial void LogFault(ILogger logger, Exception exception);
}
