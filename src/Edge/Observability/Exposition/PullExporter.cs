using System.Buffers;
using OpenTelemetry;
using OpenTelemetry.Metrics;

namespace EdgeCache.Edge.Observability.Exposition;

/// <summary>
/// The end of the OpenTelemetry pipeline: writes what is collected as text. It does nothing by itself; a scrape calls <see cref="CollectInto"/>.
/// Not safe for two scrapes at once: <see cref="MetricsScraper"/> lets one in at a time.
/// </summary>
[ExportModes(ExportModes.Pull)]
internal sealed class PullExporter : BaseExporter<Metric>, IPullMetricExporter
{
    // The SDK gives the same object for the same metric at every collection.
    private readonly Dictionary<Metric, MetricFamily?> _families = [];
    private ExpositionWriter? _writer;

    public Func<int, bool>? Collect { get; set; }

    /// <summary>Collects now and writes everything.</summary>
    /// <returns>False when the collection failed or took too long.</returns>
    public bool CollectInto(IBufferWriter<byte> output, ExpositionFormat format, TimeSpan timeout)
    {
        _writer = new ExpositionWriter(output, format);
        try
        {
            if (Collect is null || !Collect((int)timeout.TotalMilliseconds))
                return false;
            _writer.Complete();
            return true;
        }
        finally
        {
            _writer = null;
        }
    }

    public override ExportResult Export(in Batch<Metric> batch)
    {
        if (_writer is null)
            return ExportResult.Failure;

        foreach (var metric in batch)
        {
            if (!_families.TryGetValue(metric, out var family))
            {
                family = MetricFamily.Of(metric);
                _families.Add(metric, family);
            }

            if (family is not null)
                _writer.Write(metric, family);
        }

        return ExportResult.Success;
    }
}
