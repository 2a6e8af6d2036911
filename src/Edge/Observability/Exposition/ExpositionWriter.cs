using System.Buffers;
using System.Buffers.Text;
using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using OpenTelemetry;
using OpenTelemetry.Metrics;

namespace EdgeCache.Edge.Observability.Exposition;

/// <summary>Writes metrics as text into a buffer. One scrape each: it remembers which families are written, because a family may stand in an answer once.</summary>
internal sealed class ExpositionWriter(IBufferWriter<byte> output, ExpositionFormat format)
{
    /// <summary>Longest number or timestamp in text: <c>-1.7976931348623157E+308</c> and some room.</summary>
    private const int MaxNumberLength = 32;

    // Label names come from instruments in code, so there are few.
    private static readonly ConcurrentDictionary<string, byte[]> LabelNames = new(StringComparer.Ordinal);

    private readonly HashSet<string> _written = new(StringComparer.Ordinal);

    public void Write(Metric metric, MetricFamily family)
    {
        if (!_written.Add(family.Name))
            return;

        output.Write(family.Header(format));
        foreach (ref readonly var point in metric.GetMetricPoints())
        {
            if (metric.MetricType == MetricType.Histogram)
                WriteHistogram(family, in point);
            else
                WriteSample(metric.MetricType, family, in point);
        }
    }

    /// <summary>OpenMetrics ends with a mark, by which a scraper knows that nothing was cut off.</summary>
    public void Complete()
    {
        if (format == ExpositionFormat.OpenMetrics)
            output.Write("# EOF\n"u8);
    }

    private void WriteSample(MetricType type, MetricFamily family, ref readonly MetricPoint point)
    {
        output.Write(family.SampleName.Span);
        WriteLabels(point.Tags, bound: null);
        switch (type)
        {
            case MetricType.LongSum or MetricType.LongSumNonMonotonic:
                WriteNumber(point.GetSumLong());
                break;
            case MetricType.DoubleSum or MetricType.DoubleSumNonMonotonic:
                WriteNumber(point.GetSumDouble());
                break;
            case MetricType.LongGauge:
                WriteNumber(point.GetGaugeLastValueLong());
                break;
            default:
                WriteNumber(point.GetGaugeLastValueDouble());
                break;
        }

        output.Write("\n"u8);
    }

    private void WriteHistogram(MetricFamily family, ref readonly MetricPoint point)
    {
        long cumulative = 0;
        foreach (var bucket in point.GetHistogramBuckets())
        {
            cumulative += bucket.BucketCount;
            output.Write(family.SampleName.Span);
            output.Write("_bucket"u8);
            WriteLabels(point.Tags, bucket.ExplicitBound);
            WriteNumber(cumulative);
            output.Write("\n"u8);
        }

        output.Write(family.SampleName.Span);
        output.Write("_sum"u8);
        WriteLabels(point.Tags, bound: null);
        WriteNumber(point.GetHistogramSum());
        output.Write("\n"u8);

        output.Write(family.SampleName.Span);
        output.Write("_count"u8);
        WriteLabels(point.Tags, bound: null);
        // The sum of the buckets, not a second counter: a histogram whose count differs from its last bucket is refused by scrapers.
        WriteNumber(cumulative);
        output.Write("\n"u8);
    }

    /// <summary>Writes <c>{a="b",le="1.0"}</c> and the space after it.</summary>
    private void WriteLabels(ReadOnlyTagCollection tags, double? bound)
    {
        var separator = (byte)'{';
        List<byte[]>? seen = null;
        foreach (var tag in tags)
        {
            var name = LabelNames.GetOrAdd(tag.Key, static key => Encoding.UTF8.GetBytes(PrometheusNames.Sanitize(key, allowColon: false)));
            // Two tags may become one label name, which no sample may have twice. The first wins.
            seen ??= new List<byte[]>(tags.Count);
            if (seen.Exists(other => other.AsSpan().SequenceEqual(name)))
                continue;
            seen.Add(name);
            WriteByte(separator);
            separator = (byte)',';
            output.Write(name);
            output.Write("=\""u8);
            WriteEscaped(LabelValue(tag.Value));
            WriteByte((byte)'"');
        }

        if (bound is { } le)
        {
            WriteByte(separator);
            separator = (byte)',';
            output.Write("le=\""u8);
            WriteBound(le);
            WriteByte((byte)'"');
        }

        output.Write(separator == (byte)',' ? "} "u8 : " "u8);
    }

    private static string LabelValue(object? value) => value switch
    {
        null => "",
        string text => text,
        bool flag => flag ? "true" : "false",
        IFormattable formattable => formattable.ToString(format: null, CultureInfo.InvariantCulture),
        _ => value.ToString() ?? "",
    };

    private void WriteEscaped(ReadOnlySpan<char> text)
    {
        while (true)
        {
            var special = text.IndexOfAny('\\', '"', '\n');
            Encoding.UTF8.GetBytes(special < 0 ? text : text[..special], output);
            if (special < 0)
                return;
            output.Write(text[special] switch { '\\' => @"\\"u8, '"' => "\\\""u8, _ => "\\n"u8 });
            text = text[(special + 1)..];
        }
    }

    private void WriteNumber(long value)
    {
        var span = output.GetSpan(MaxNumberLength);
        Utf8Formatter.TryFormat(value, span, out var length);
        output.Advance(length);
    }

    private void WriteNumber(double value)
    {
        if (double.IsFinite(value))
        {
            var span = output.GetSpan(MaxNumberLength);
            value.TryFormat(span, out var length, provider: CultureInfo.InvariantCulture);
            output.Advance(length);
        }
        else
        {
            output.Write(double.IsNaN(value) ? "NaN"u8 : value > 0 ? "+Inf"u8 : "-Inf"u8);
        }
    }

    // "1.0" and not "1", as OpenMetrics demands, in both formats: a scraper that changes its mind about the format keeps its series.
    private void WriteBound(double bound)
    {
        WriteNumber(bound);
        if (double.IsInteger(bound) && Math.Abs(bound) < 1e15)
            output.Write(".0"u8);
    }

    private void WriteByte(byte value)
    {
        output.GetSpan(1)[0] = value;
        output.Advance(1);
    }
}
