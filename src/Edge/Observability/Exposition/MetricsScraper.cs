using System.Buffers;
using System.Diagnostics.Metrics;
using OpenTelemetry;
using OpenTelemetry.Metrics;

namespace EdgeCache.Edge.Observability.Exposition;

/// <summary>Holds the aggregation of all instruments for as long as the node runs, and lets one scrape at a time collect it.</summary>
internal sealed class MetricsScraper : IDisposable
{
    /// <summary>How long a scrape waits for its turn and for the collection, together. Prometheus gives up after 10 s by default.</summary>
    public static readonly TimeSpan Timeout = TimeSpan.FromSeconds(8);

    private readonly SemaphoreSlim _turn = new(1, 1);
    private readonly PullExporter _exporter = new();
    private readonly ArrayBufferWriter<byte> _buffer = new(32 * 1024);
    private readonly MeterProvider _provider;
    private readonly TimeProvider _time;

    public MetricsScraper(IMeterFactory meterFactory, TimeProvider time)
    {
        _time = time;
        _provider = Sdk.CreateMeterProviderBuilder()
            .AddMeter(EdgeMetrics.MeterName, "Microsoft.AspNetCore.Server.Kestrel", "System.Runtime")
            .AddView(instrument => IsForeign(instrument, meterFactory) ? MetricStreamConfiguration.Drop : null)
            .AddReader(new BaseExportingMetricReader(_exporter))
            .Build();
    }

    /// <summary>Collects all metrics into <paramref name="output"/>.</summary>
    /// <returns>False when that took longer than <see cref="Timeout"/>; nothing is written then.</returns>
    public async Task<bool> ScrapeAsync(IBufferWriter<byte> output, ExpositionFormat format, CancellationToken cancellationToken)
    {
        using var deadline = new CancellationTokenSource(Timeout, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, deadline.Token);
        try
        {
            await _turn.WaitAsync(either.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return false;
        }

        // On a thread of its own, because instruments are read by callbacks that nothing can interrupt. A caller that gives up leaves the
        // turn (and the buffer) with it until the last callback returns.
        var collection = Task.Run(Collect, CancellationToken.None);
        try
        {
            if (!await collection.WaitAsync(either.Token))
                return false;
            output.Write(_buffer.WrittenSpan);
            return true;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return false;
        }
        finally
        {
            _ = collection.ContinueWith(_ => _turn.Release(), CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        }

        bool Collect()
        {
            _buffer.ResetWrittenCount();
            return _exporter.CollectInto(_buffer, format, Timeout);
        }
    }

    public void Dispose() => _provider.Dispose();

    /// <summary>Meters of another host in this process: the SDK listens to the whole process, and their numbers are not this node's.</summary>
    private static bool IsForeign(Instrument instrument, IMeterFactory ours) =>
        instrument.Meter.Scope is { } scope && !ReferenceEquals(scope, ours);
}
