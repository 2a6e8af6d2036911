using EdgeCache.Storage;
using EdgeCache.TestKit;
using Microsoft.Extensions.DependencyInjection;
using Yarp.ReverseProxy;

namespace EdgeCache.Edge.Tests.Origins;

/// <summary>Several destinations of one origin, of which some are not there.</summary>
public sealed class FailoverTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);

    private static readonly (string Key, string Value) RoundRobin = ("ReverseProxy:Clusters:far:LoadBalancingPolicy", "RoundRobin");

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task No_read_fails_when_a_destination_dies_and_passive_health_takes_it_out()
    {
        await using var one = await TestNode.StartAsync(OriginNodes.Namespaces);
        var two = await TestNode.StartAsync(OriginNodes.Namespaces);
        await using var front = await OriginNodes.StartFrontAsync(
            [one.Client.BaseAddress!, two.Client.BaseAddress!],
            RoundRobin,
            ("ReverseProxy:Clusters:far:HealthCheck:Passive:Enabled", "true"));
        foreach (var origin in new[] { one, two })
            (await origin.PutAsync("/cache/test/k", "same"u8.ToArray())).EnsureSuccessStatusCode();
        await two.DisposeAsync();
        Available(front).ShouldBe(2);

        // The policy judges from ten calls to a destination on.
        for (var i = 0; i < 40; i++)
            (await front.Store().GetAsync(Blobs.Key("k"))).Content.ShouldBe("same"u8.ToArray());

        Available(front).ShouldBe(1);
    }

    [Fact]
    public async Task A_destination_that_comes_back_is_found_by_active_health()
    {
        await using var one = await TestNode.StartAsync(OriginNodes.Namespaces);
        var two = await TestNode.StartAsync(OriginNodes.Namespaces);
        var port = two.Port;
        await using var front = await OriginNodes.StartFrontAsync(
            [one.Client.BaseAddress!, two.Client.BaseAddress!],
            RoundRobin,
            ("ReverseProxy:Clusters:far:HealthCheck:Active:Enabled", "true"),
            ("ReverseProxy:Clusters:far:HealthCheck:Active:Interval", "00:00:00.2"),
            ("ReverseProxy:Clusters:far:HealthCheck:Active:Timeout", "00:00:02"),
            ("ReverseProxy:Clusters:far:HealthCheck:Active:Path", "/health"),
            ("ReverseProxy:Clusters:far:Metadata:ConsecutiveFailuresHealthPolicy.Threshold", "1"));
        (await one.PutAsync("/cache/test/k", "here"u8.ToArray())).EnsureSuccessStatusCode();

        await two.DisposeAsync();
        await Eventually.TrueAsync(() => Available(front) == 1, Limit, "the dead destination to be taken out");
        for (var i = 0; i < 4; i++)
            (await front.Store().GetAsync(Blobs.Key("k"))).Content.ShouldBe("here"u8.ToArray());

        await using var again = await TestNode.StartAsync([.. OriginNodes.Namespaces, ("Listen:Port", $"{port}")]);
        await Eventually.TrueAsync(() => Available(front) == 2, Limit, "the destination to be taken in again");
        var found = new[] { (await front.Store().StatAsync(Blobs.Key("k"), Cancel)).Status, (await front.Store().StatAsync(Blobs.Key("k"), Cancel)).Status };
        found.ShouldBe([StoreStatus.Ok, StoreStatus.Missing], ignoreOrder: true);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1000)]
    [InlineData(300_000)]
    public async Task A_write_goes_to_a_destination_that_is_there(int length)
    {
        var dead = await TestNode.StartAsync();
        var address = dead.Client.BaseAddress!;
        await dead.DisposeAsync();
        await using var origin = await TestNode.StartAsync(OriginNodes.Namespaces);
        await using var front = await OriginNodes.StartFrontAsync([address, origin.Client.BaseAddress!], ("ReverseProxy:Clusters:far:LoadBalancingPolicy", "FirstAlphabetical"));
        var content = Blobs.Bytes(length);

        (await front.Store().PutAsync(Blobs.Key("k"), content)).Status.ShouldBe(StoreStatus.Ok);

        (await origin.Client.GetByteArrayAsync("/cache/test/k", Cancel)).ShouldBe(content);
        (await front.Store().DeleteAsync(Blobs.Key("k"), null, Cancel)).Status.ShouldBe(StoreStatus.Ok);
    }

    [Fact]
    public async Task A_refusal_to_serve_now_is_answered_by_another_destination()
    {
        await using var busy = new ScriptedOrigin(new Step(ScriptedOrigin.Head("503 Service Unavailable", "Content-Length: 0")));
        await using var origin = await TestNode.StartAsync(OriginNodes.Namespaces);
        await using var front = await OriginNodes.StartFrontAsync([busy.Address, origin.Client.BaseAddress!], ("ReverseProxy:Clusters:far:LoadBalancingPolicy", "FirstAlphabetical"));
        (await origin.PutAsync("/cache/test/k", "here"u8.ToArray())).EnsureSuccessStatusCode();

        (await front.Store().GetAsync(Blobs.Key("k"))).Content.ShouldBe("here"u8.ToArray());
        busy.Requests.Count.ShouldBe(1);
    }

    [Fact]
    public async Task Without_any_destination_every_call_says_so()
    {
        var dead = await TestNode.StartAsync();
        var address = dead.Client.BaseAddress!;
        await dead.DisposeAsync();
        await using var front = await OriginNodes.StartFrontAsync([address]);
        var store = front.Store();

        (await store.StatAsync(Blobs.Key("k"), Cancel)).Detail.ShouldNotBeNull().ShouldContain("can't be reached");
        (await store.OpenReadAsync(Blobs.Key("k"), ByteRange.Whole, Cancel)).Status.ShouldBe(StoreStatus.Unavailable);
        (await store.DeleteAsync(Blobs.Key("k"), null, Cancel)).Status.ShouldBe(StoreStatus.Unavailable);
        (await store.PutAsync(Blobs.Key("k"), new byte[10])).Status.ShouldBe(StoreStatus.Unavailable);
        (await store.PutAsync(Blobs.Key("k"), new byte[200_000])).Status.ShouldBe(StoreStatus.Unavailable);
        store.State.Fault.ShouldNotBeNull();
    }

    private static int Available(TestNode front)
    {
        front.Services.GetRequiredService<IProxyStateLookup>().TryGetCluster("far", out var cluster).ShouldBeTrue();
        return cluster!.DestinationsState.AvailableDestinations.Count;
    }
}
