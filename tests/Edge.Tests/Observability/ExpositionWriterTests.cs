using System.Buffers;
using System.Diagnostics.Metrics;
using System.Text;
using EdgeCache.Edge.Observability.Exposition;
using OpenTelemetry;
using OpenTelemetry.Metrics;

namespace EdgeCache.Edge.Tests.Observability;

public sealed class ExpositionWriterTests : IDisposable
{
    private static int _count;

    private readonly Meter _meter = new("exposition-writer-test-" + Interlocked.Increment(ref _count));
    private readonly PullExporter _exporter = new();
    private readonly MeterProvider _provider;

    public ExpositionWriterTests() =>
        _provider = Sdk.CreateMeterProviderBuilder().AddMeter(_meter.Name).AddReader(new BaseExportingMetricReader(_exporter)).Build();

    public void Dispose()
    {
        _provider.Dispose();
        _meter.Dispose();
    }

    [Theory]
    [InlineData(ExpositionFormat.PrometheusText)]
    [InlineData(ExpositionFormat.OpenMetrics)]
    internal void Nothing_in_a_label_or_a_description_breaks_the_format(ExpositionFormat format)
    {
        const string Nasty = "back\\slash \"quote\" new\nline, }{ = \\n ünïcode 🙂";
        var counter = _meter.CreateCounter<long>("nasty.requests", "{request}", Nasty);
        counter.Add(3, new("http.path", Nasty), new("http/path", "second"), new("none", null), new("ok", true), new("size", 1.5));

        var family = Collect(format).Families.Values.Single();
        family.Help.ShouldBe(Nasty);
        var sample = family.Samples.Single();
        sample.Name.ShouldBe("nasty_requests_total");
        sample.Value.ShouldBe(3);
        sample.Labels.ShouldBe([("http_path", Nasty), ("none", ""), ("ok", "true"), ("size", "1.5")]);
    }

    [Fact]
    public void Open_metrics_names_a_counter_without_its_ending_and_tells_units()
    {
        _meter.CreateCounter<long>("read_bytes_total", "By").Add(1);
        _meter.CreateObservableGauge("temperature", () => 20.5, "Cel");
        _meter.CreateHistogram<double>("http.duration", "s").Record(0.25);
        _meter.CreateUpDownCounter<int>("queue.length", "{item}").Add(-4);

        var open = Collect(ExpositionFormat.OpenMetrics);
        open.Families["read_bytes"].Unit.ShouldBe("bytes");
        open.Value("read_bytes_total").ShouldBe(1);
        open.Families["temperature_celsius"].Unit.ShouldBe("celsius");
        open.Families["http_duration_seconds"].Type.ShouldBe("histogram");
        open.Families["queue_length"].Unit.ShouldBeNull();
        open.Value("queue_length").ShouldBe(-4);

        var plain = Collect(ExpositionFormat.PrometheusText);
        plain.Families["read_bytes_total"].Type.ShouldBe("counter");
        plain.Value("http_duration_seconds_sum").ShouldBe(0.25);
    }

    [Theory]
    [InlineData(double.NaN, "NaN")]
    [InlineData(double.PositiveInfinity, "+Inf")]
    [InlineData(double.NegativeInfinity, "-Inf")]
    [InlineData(-0.1, "-0.1")]
    [InlineData(1e300, "1E+300")]
    public void Numbers_have_one_spelling(double value, string spelling)
    {
        _meter.CreateObservableGauge("value", () => value);
        Text(ExpositionFormat.PrometheusText).ShouldBe($"# HELP value \n# TYPE value gauge\nvalue {spelling}\n");
    }

    [Fact]
    public void Two_instruments_that_get_one_name_make_one_family()
    {
        _meter.CreateObservableGauge("a.b", () => 1);
        _meter.CreateObservableGauge("a-b", () => 2);
        Collect(ExpositionFormat.OpenMetrics).Value("a_b").ShouldBe(1);
    }

    [Fact]
    public void A_callback_that_throws_does_not_take_the_others_with_it()
    {
        _meter.CreateObservableGauge("broken", int () => throw new InvalidOperationException());
        _meter.CreateObservableGauge("whole", () => 1);
        var scrape = Collect(ExpositionFormat.PrometheusText);
        scrape.Value("whole").ShouldBe(1);
        scrape.All("broken").ShouldBeEmpty();
    }

    private Exposition Collect(ExpositionFormat format) => Exposition.Parse(Text(format), format == ExpositionFormat.OpenMetrics);

    private string Text(ExpositionFormat format)
    {
        var buffer = new ArrayBufferWriter<byte>();
        _exporter.CollectInto(buffer, format, TimeSpan.FromSeconds(5)).ShouldBeTrue();
        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }
}
