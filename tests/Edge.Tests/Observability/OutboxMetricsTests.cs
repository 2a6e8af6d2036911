using EdgeCache.Storage.Tiering;
using EdgeCache.TestKit;
using EdgeCache.TestKit.Stores;
using Microsoft.Extensions.DependencyInjection;

namespace EdgeCache.Edge.Tests.Observability;

public sealed class OutboxMetricsTests
{
    [Fact]
    public async Task They_tell_what_waits_what_is_parked_and_for_how_long()
    {
        MemoryOutbox? outbox = null;
        await using var host = await ObservedHost.StartAsync(add: services => services.AddSingleton<IOutbox>(provider => outbox = new MemoryOutbox(time: provider.GetRequiredService<TimeProvider>())));
        var empty = await host.ScrapeAsync();
        empty.Value("edgecache_outbox_entries", ("state", "waiting")).ShouldBe(0);
        empty.Value("edgecache_outbox_oldest_age_seconds").ShouldBe(0);

        var parked = await outbox!.AddAsync(Blobs.Key("a"), 100, CancellationToken.None);
        await outbox.ParkAsync(parked!, "TooLarge.", CancellationToken.None);
        host.Time.Advance(TimeSpan.FromSeconds(10));
        await outbox.AddAsync(Blobs.Key("b"), 5, CancellationToken.None);
        await outbox.AddAsync(Blobs.Key("c"), 6, CancellationToken.None);
        host.Time.Advance(TimeSpan.FromSeconds(90));

        var full = await host.ScrapeAsync();
        full.Value("edgecache_outbox_entries", ("state", "waiting")).ShouldBe(2);
        full.Value("edgecache_outbox_entries", ("state", "parked")).ShouldBe(1);
        full.Value("edgecache_outbox_bytes", ("state", "waiting")).ShouldBe(11);
        full.Value("edgecache_outbox_bytes", ("state", "parked")).ShouldBe(100);
        full.Value("edgecache_outbox_oldest_age_seconds").ShouldBe(90);
    }

    [Fact]
    public async Task A_node_that_does_not_write_back_has_none()
    {
        await using var host = await ObservedHost.StartAsync();
        (await (await host.Client.GetAsync("/metrics")).Content.ReadAsStringAsync()).ShouldNotContain("outbox");
    }
}
