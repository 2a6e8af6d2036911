using System.Buffers;
using System.Diagnostics.Metrics;
using EdgeCache.Edge.Observability;
using EdgeCache.Edge.Observability.Exposition;
using Microsoft.Extensions.DependencyInjection;

namespace EdgeCache.Edge.Tests.Observability;

public sealed class MetricsScraperTests
{
    [Fact]
    public async Task A_collection_that_hangs_is_given_up_and_does_not_spoil_the_next()
    {
        await using var host = await ObservedHost.StartAsync();
        var scraper = host.Services.GetRequiredService<MetricsScraper>();
        using var release = new ManualResetEventSlim();
        var entered = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        host.Services.GetRequiredService<IMeterFactory>().Create(EdgeMetrics.MeterName).CreateObservableGauge("stuck", () =>
        {
            entered.TrySetResult();
            release.Wait();
            return 1;
        });

        var output = new ArrayBufferWriter<byte>();
        var first = scraper.ScrapeAsync(output, ExpositionFormat.PrometheusText, CancellationToken.None);
        await entered.Task;
        // Another one waits for its turn, and is over when its own time is over.
        var second = scraper.ScrapeAsync(output, ExpositionFormat.PrometheusText, CancellationToken.None);
        host.Time.Advance(MetricsScraper.Timeout);
        (await first).ShouldBeFalse();
        (await second).ShouldBeFalse();
        output.WrittenCount.ShouldBe(0);

        release.Set();
        (await scraper.ScrapeAsync(output, ExpositionFormat.PrometheusText, CancellationToken.None)).ShouldBeTrue();
        output.WrittenCount.ShouldBePositive();
    }

    [Fact]
    public async Task A_scraper_that_leaves_while_waiting_ends_its_wait()
    {
        await using var host = await ObservedHost.StartAsync();
        var scraper = host.Services.GetRequiredService<MetricsScraper>();
        using var leaving = new CancellationTokenSource();
        await leaving.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(
            () => scraper.ScrapeAsync(new ArrayBufferWriter<byte>(), ExpositionFormat.OpenMetrics, leaving.Token));
        (await host.ScrapeAsync()).Value("edgecache_storage_blobs").ShouldBe(3);
    }
}
