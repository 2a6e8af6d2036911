using EdgeCache.Edge.Observability.Exposition;

namespace EdgeCache.Edge.Tests.Observability;

public sealed class ExpositionFormatTests
{
    [Theory]
    [InlineData(null, false)]
    [InlineData("*/*", false)]
    [InlineData("text/plain", false)]
    [InlineData("text/html,application/xhtml+xml;q=0.9,*/*;q=0.8", false)]
    [InlineData("application/openmetrics-text", true)]
    [InlineData("application/openmetrics-text; version=1.0.0; charset=utf-8", true)]
    [InlineData("APPLICATION/OpenMetrics-Text; version=\"1.0.0\"", true)]
    [InlineData("application/openmetrics-text;version=1.0.0;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2", true)]
    [InlineData("application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,text/plain;version=1.0.0;q=0.4,*/*;q=0.2", true)]
    [InlineData("text/plain;version=0.0.4;q=0.9,application/openmetrics-text;q=0.5", false)]
    [InlineData("application/openmetrics-text;q=0", false)]
    [InlineData("application/openmetrics-text;version=2.0.0", false)]
    [InlineData("application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited,text/plain;q=0.5", false)]
    [InlineData(";;;not a header,", false)]
    public void The_format_follows_the_accept_header(string? accept, bool openMetrics) =>
        ExpositionNegotiation.Choose(accept).ShouldBe(openMetrics ? ExpositionFormat.OpenMetrics : ExpositionFormat.PrometheusText);

    [Theory]
    [InlineData("kestrel.active_connections", "kestrel_active_connections")]
    [InlineData("a..b--c", "a_b_c")]
    [InlineData("2xx", "_2xx")]
    [InlineData("ünïcode", "_n_code")]
    public void Names_keep_what_is_allowed(string name, string expected) =>
        PrometheusNames.Sanitize(name, allowColon: true).ShouldBe(expected);

    [Theory]
    [InlineData("s", "seconds")]
    [InlineData("By", "bytes")]
    [InlineData("By/s", "bytes_per_second")]
    [InlineData("{request}", "")]
    [InlineData("{request}/s", "per_second")]
    [InlineData("1", "")]
    [InlineData("{a}{b", "_b")]
    [InlineData("furlong", "furlong")]
    [InlineData(null, "")]
    public void Units_become_words(string? unit, string expected) =>
        PrometheusNames.Unit(unit, isGauge: false).ShouldBe(expected);

    [Fact]
    public void A_gauge_of_unit_one_is_a_ratio() => PrometheusNames.Unit("1", isGauge: true).ShouldBe("ratio");
}
