using System.Globalization;
using System.Net;
using EdgeCache.Edge.Configuration;
using EdgeCache.Storage;
using Microsoft.AspNetCore.Builder;

namespace EdgeCache.Edge.Tests.Observability;

public sealed class MetricsEndpointTests
{
    private const string OpenMetrics = "application/openmetrics-text; version=1.0.0";

    [Theory]
    [InlineData(null)]
    [InlineData(OpenMetrics)]
    public async Task Every_promised_metric_is_there_at_the_first_scrape(string? accept)
    {
        await using var host = await ObservedHost.StartAsync();
        await host.Client.GetAsync("/health");
        var scrape = await host.ScrapeAsync(accept);

        scrape.IsOpenMetrics.ShouldBe(accept is not null);
        scrape.Value("builder_cache_requests_total", ("method", "GET"), ("status", "200")).ShouldBe(1);
        scrape.Value("builder_cache_hits_total", ("namespace", "artifacts")).ShouldBe(0);
        scrape.Value("builder_cache_misses_total", ("namespace", "artifacts")).ShouldBe(0);
        scrape.Value("edgecache_sent_bytes_total", ("namespace", "artifacts")).ShouldBe(0);
        scrape.Value("edgecache_received_bytes_total", ("namespace", "artifacts")).ShouldBe(0);
        scrape.Value("builder_cache_hit_rate").ShouldBe(0);
        scrape.Value("builder_cache_storage_bytes_used").ShouldBe(1_234);
        scrape.Value("edgecache_storage_max_bytes").ShouldBe(10_000);
        scrape.Value("edgecache_storage_blobs").ShouldBe(3);
        scrape.Value("edgecache_storage_healthy").ShouldBe(1);
        scrape.Value("edgecache_storage_damaged_total").ShouldBe(0);
        foreach (var name in new[] { "max_bytes", "used_bytes", "blobs", "hits_total", "hit_bytes_total", "admissions_total", "evictions_total" })
            scrape.Value($"edgecache_memory_tier_{name}").ShouldBe(0, name);
        scrape.Value("edgecache_uptime_seconds").ShouldBe(0);
        scrape.All("edgecache_build_info").Single().Label("version").ShouldNotBeNullOrEmpty();
        scrape.Value("builder_cache_request_duration_milliseconds_count", ("method", "GET")).ShouldBe(1);
    }

    [Fact]
    public async Task What_the_store_counts_is_told()
    {
        await using var host = await ObservedHost.StartAsync();
        host.Store.State = host.Store.State with
        {
            DamagedBlobs = 1,
            MemoryTier = new MemoryTierState { MaxBytes = 2, UsedBytes = 3, Blobs = 4, Hits = 5, HitBytes = 6, Admissions = 7, Evictions = 8 },
        };
        var scrape = await host.ScrapeAsync();
        scrape.Value("edgecache_storage_damaged_total").ShouldBe(1);
        string[] names = ["max_bytes", "used_bytes", "blobs", "hits_total", "hit_bytes_total", "admissions_total", "evictions_total"];
        names.Select(name => scrape.Value($"edgecache_memory_tier_{name}")).ShouldBe([2, 3, 4, 5, 6, 7, 8]);
        scrape.Families["edgecache_memory_tier_hits_total"].Type.ShouldBe("counter");
    }

    [Fact]
    public async Task The_framework_and_the_runtime_are_measured_too()
    {
        await using var host = await ObservedHost.StartAsync();
        var scrape = await host.ScrapeAsync();
        scrape.All("kestrel_active_connections").Sum(s => s.Value).ShouldBe(1);
        scrape.Families["dotnet_gc_heap_total_allocated_bytes_total"].Type.ShouldBe("counter");
        scrape.Families["dotnet_process_cpu_time_seconds_total"].Type.ShouldBe("counter");
    }

    [Fact]
    public async Task Lookups_and_bytes_are_counted_by_namespace()
    {
        var options = new EdgeCacheOptions { Namespaces = { ["cas"] = new NamespaceOptions { Verified = true } } };
        await using var host = await ObservedHost.StartAsync(options);
        host.Metrics.RecordLookup("artifacts", hit: true);
        host.Metrics.RecordLookup("artifacts", hit: true);
        host.Metrics.RecordLookup("cas", hit: true);
        host.Metrics.RecordLookup("cas", hit: false);
        host.Metrics.RecordSent("cas", 5_000_000_000, 4_000_000_000);
        host.Metrics.RecordReceived("artifacts", 7);
        host.Store.State = host.Store.State with { Fault = "The disk is gone." };
        host.Time.Advance(TimeSpan.FromSeconds(90.5));

        var scrape = await host.ScrapeAsync();
        scrape.Value("builder_cache_hits_total", ("namespace", "artifacts")).ShouldBe(2);
        scrape.Value("builder_cache_hits_total", ("namespace", "cas")).ShouldBe(1);
        scrape.Value("builder_cache_misses_total", ("namespace", "cas")).ShouldBe(1);
        scrape.Value("builder_cache_hit_rate").ShouldBe(0.75);
        scrape.Value("edgecache_sent_bytes_total", ("namespace", "cas")).ShouldBe(5_000_000_000);
        scrape.Value("edgecache_sent_from_files_bytes_total", ("namespace", "cas")).ShouldBe(4_000_000_000);
        scrape.Value("edgecache_received_bytes_total", ("namespace", "artifacts")).ShouldBe(7);
        scrape.Value("edgecache_storage_healthy").ShouldBe(0);
        scrape.Value("edgecache_uptime_seconds").ShouldBe(90.5);
    }

    [Fact]
    public async Task Durations_fall_into_cumulative_buckets()
    {
        await using var host = await ObservedHost.StartAsync();
        foreach (var milliseconds in new[] { 0.2, 0.5, 3, 700, 60_000 })
            host.Metrics.RecordRequest("PUT", 201, TimeSpan.FromMilliseconds(milliseconds));

        var scrape = await host.ScrapeAsync();
        const string Name = "builder_cache_request_duration_milliseconds";
        Bucket("0.5").ShouldBe(2);
        Bucket("5.0").ShouldBe(3);
        Bucket("1000.0").ShouldBe(4);
        Bucket("30000.0").ShouldBe(4);
        Bucket("+Inf").ShouldBe(5);
        scrape.Value(Name + "_sum", ("method", "PUT")).ShouldBe(60_703.7, tolerance: 0.01);

        double Bucket(string bound) => scrape.Value(Name + "_bucket", ("method", "PUT"), ("le", bound));
    }

    [Fact]
    public async Task Two_nodes_in_one_process_do_not_count_each_other()
    {
        await using var one = await ObservedHost.StartAsync();
        await using var other = await ObservedHost.StartAsync();
        one.Metrics.RecordLookup("artifacts", hit: true);
        other.Store.State = new StoreState(1, 2, 3, Fault: null);

        (await one.ScrapeAsync()).Value("builder_cache_hits_total", ("namespace", "artifacts")).ShouldBe(1);
        var scrape = await other.ScrapeAsync();
        scrape.Value("builder_cache_hits_total", ("namespace", "artifacts")).ShouldBe(0);
        scrape.Value("builder_cache_storage_bytes_used").ShouldBe(1);
    }

    [Fact]
    public async Task Many_scrapes_at_once_all_get_a_whole_answer()
    {
        await using var host = await ObservedHost.StartAsync();
        var scrapes = await Task.WhenAll(Enumerable.Range(0, 16).Select(i => host.ScrapeAsync(i % 2 == 0 ? null : OpenMetrics)));
        scrapes.Count(s => s.IsOpenMetrics).ShouldBe(8);
    }

    [Fact]
    public async Task A_head_request_has_the_headers_and_no_body()
    {
        await using var host = await ObservedHost.StartAsync();
        using var response = await host.Client.SendAsync(new HttpRequestMessage(HttpMethod.Head, "/metrics"));
        response.StatusCode.ShouldBe(HttpStatusCode.OK);
        response.Content.Headers.ContentType!.ToString().ShouldBe("text/plain; version=0.0.4; charset=utf-8");
        response.Headers.CacheControl!.NoStore.ShouldBeTrue();
        response.Headers.Vary.ShouldBe(["Accept"]);
    }

    [Fact]
    public async Task Switched_off_metrics_are_not_found_and_health_still_counts()
    {
        var options = new EdgeCacheOptions { Metrics = { Enabled = false } };
        await using var host = await ObservedHost.StartAsync(options, app => app.MapGet("/{**all}", () => "the user's own"));
        (await host.Client.GetAsync("/metrics")).StatusCode.ShouldBe(HttpStatusCode.NotFound);
        host.Metrics.RecordLookup("artifacts", hit: true);
        (await host.Client.GetStringAsync("/health")).ShouldContain("\"hitRate\":1,\"requests\":1");
    }

    [Fact]
    public async Task Numbers_are_written_the_same_under_any_culture()
    {
        var before = CultureInfo.DefaultThreadCurrentCulture;
        var commas = (CultureInfo)CultureInfo.InvariantCulture.Clone();
        commas.NumberFormat.NumberDecimalSeparator = ",";
        commas.NumberFormat.NegativeSign = "~";
        CultureInfo.DefaultThreadCurrentCulture = commas;
        try
        {
            await using var host = await ObservedHost.StartAsync();
            host.Time.Advance(TimeSpan.FromSeconds(1.5));
            (await host.ScrapeAsync()).Value("edgecache_uptime_seconds").ShouldBe(1.5);
        }
        finally
        {
            CultureInfo.DefaultThreadCurrentCulture = before;
        }
    }
}
