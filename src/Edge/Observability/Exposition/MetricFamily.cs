using System.Text;
using OpenTelemetry.Metrics;

namespace EdgeCache.Edge.Observability.Exposition;

/// <summary>How one metric is written: its names and its comment lines as bytes, made once and reused at every scrape.</summary>
internal sealed class MetricFamily
{
    private readonly byte[] _textHeader;
    private readonly byte[] _openHeader;

    private MetricFamily(string name, string unit, string type, string description)
    {
        var isCounter = type == "counter";
        SampleName = Encoding.UTF8.GetBytes(isCounter ? name + "_total" : name);

        // The two formats differ in what a counter is called in its comment lines: the plain format repeats the sample's name, the other leaves _total out.
        var textName = isCounter ? name + "_total" : name;
        _textHeader = Encoding.UTF8.GetBytes(
            $"# HELP {textName} {EscapeHelp(description, quotes: false)}\n# TYPE {textName} {type}\n");
        var unitLine = unit.Length > 0 && name.EndsWith("_" + unit, StringComparison.Ordinal) ? $"# UNIT {name} {unit}\n" : "";
        _openHeader = Encoding.UTF8.GetBytes(
            $"# TYPE {name} {type}\n{unitLine}# HELP {name} {EscapeHelp(description, quotes: true)}\n");
        Name = name;
    }

    /// <summary>The family's name, without the counter's <c>_total</c>.</summary>
    public string Name { get; }

    /// <summary>The name in front of a sample (a histogram adds its own endings).</summary>
    public ReadOnlyMemory<byte> SampleName { get; }

    public ReadOnlySpan<byte> Header(ExpositionFormat format) =>
        format == ExpositionFormat.OpenMetrics ? _openHeader : _textHeader;

    /// <summary>Null for a kind of metric that neither format can express.</summary>
    public static MetricFamily? Of(Metric metric)
    {
        var type = TypeOf(metric.MetricType);
        if (type is null)
            return null;

        var unit = PrometheusNames.Unit(metric.Unit, isGauge: type == "gauge");
        var name = PrometheusNames.Sanitize(metric.Name, allowColon: true);
        // Counters get their ending back below; a unit goes in front of it.
        if (type == "counter" && name.EndsWith("_total", StringComparison.Ordinal))
            name = name[..^"_total".Length];
        // Our own names are fixed: dashboards were made for them, so no unit is ever added.
        if (metric.MeterName != EdgeMetrics.MeterName)
            name = PrometheusNames.WithSuffix(name, unit);
        return new MetricFamily(name, unit, type, metric.Description);
    }

    private static string? TypeOf(MetricType type) => type switch
    {
        MetricType.LongSum or MetricType.DoubleSum => "counter",
        MetricType.LongGauge or MetricType.DoubleGauge or MetricType.LongSumNonMonotonic or MetricType.DoubleSumNonMonotonic => "gauge",
        MetricType.Histogram => "histogram",
        _ => null,
    };

    private static string EscapeHelp(string text, bool quotes)
    {
        var escaped = text.Replace("\\", @"\\", StringComparison.Ordinal).Replace("\n", @"\n", StringComparison.Ordinal);
        return quotes ? escaped.Replace("\"", "\\\"", StringComparison.Ordinal) : escaped;
    }
}
