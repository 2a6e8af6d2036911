using EdgeCache.Edge.Configuration;
using EdgeCache.Storage.Tiering;

namespace EdgeCache.Edge;

/// <summary>At a stop, when the server has ended and nothing new comes: lets what waits go to the far store, for a while.</summary>
internal sealed class OutboxDrain(IServiceProvider services, LiveSettings settings) : IHostedService
{
    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        if (services.GetService<OutboxUploader>() is not { } uploader)
            return;
        try
        {
            await uploader.DrainAsync(settings.Current.Options.Storage.Tiering.OutboxDrain, cancellationToken);
        }
        catch (OperationCanceledException)
        {
            // The time of the whole stop is over; what is left is sent after the next start.
        }
    }
}
