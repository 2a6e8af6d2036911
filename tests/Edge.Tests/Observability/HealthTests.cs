using System.Net;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Yarp.ReverseProxy.Configuration;

namespace EdgeCache.Edge.Tests.Observability;

public sealed class HealthTests
{
    [Fact]
    public async Task Health_tells_the_node_and_its_store()
    {
        await using var host = await ObservedHost.StartAsync();
        host.Metrics.RecordLookup("artifacts", hit: true);
        host.Metrics.RecordLookup("artifacts", hit: false);
        host.Time.Advance(TimeSpan.FromMinutes(2));

        using var response = await host.Client.GetAsync("/health");
        response.StatusCode.ShouldBe(HttpStatusCode.OK);
        response.Content.Headers.ContentType!.MediaType.ShouldBe("application/json");
        response.Headers.CacheControl!.NoStore.ShouldBeTrue();
        var json = JsonDocument.Parse(await response.Content.ReadAsStringAsync()).RootElement;
        json.GetProperty("status").GetString().ShouldBe("healthy");
        json.GetProperty("version").GetString().ShouldNotBeNullOrEmpty();
        json.GetProperty("uptimeSeconds").GetInt64().ShouldBe(120);
        json.GetProperty("hitRate").GetDouble().ShouldBe(0.5);
        json.GetProperty("requests").GetInt64().ShouldBe(0);
        var storage = json.GetProperty("storage");
        storage.GetProperty("usedBytes").GetInt64().ShouldBe(1_234);
        storage.GetProperty("maxBytes").GetInt64().ShouldBe(10_000);
        storage.GetProperty("blobs").GetInt64().ShouldBe(3);
        storage.GetProperty("fault").ValueKind.ShouldBe(JsonValueKind.Null);
    }

    [Fact]
    public async Task A_store_with_a_fault_is_degraded_and_not_ready_but_alive()
    {
        await using var host = await ObservedHost.StartAsync();
        host.Store.State = host.Store.State with { Fault = "The disk can't be written: \"read-only\"." };

        (await StatusOf(host, "/health", "status")).ShouldBe((HttpStatusCode.ServiceUnavailable, "degraded"));
        (await StatusOf(host, "/health/ready", "reason")).ShouldBe((HttpStatusCode.ServiceUnavailable, "The disk can't be written: \"read-only\"."));
        (await StatusOf(host, "/health/live", "status")).ShouldBe((HttpStatusCode.OK, "alive"));

        host.Store.State = host.Store.State with { Fault = null };
        (await StatusOf(host, "/health/ready", "status")).ShouldBe((HttpStatusCode.OK, "ready"));
    }

    [Fact]
    public async Task A_store_that_finds_out_what_it_has_is_healthy_and_ready_and_says_so()
    {
        await using var host = await ObservedHost.StartAsync();
        host.Store.State = host.Store.State with { Rebuilding = 0.437 };

        (await StatusOf(host, "/health", "status")).ShouldBe((HttpStatusCode.OK, "healthy"));
        JsonDocument.Parse(await host.Client.GetStringAsync("/health")).RootElement.GetProperty("storage").GetProperty("rebuilding").GetDouble().ShouldBe(0.437);
        (await StatusOf(host, "/health/ready", "status")).ShouldBe((HttpStatusCode.OK, "ready"));
        (await StatusOf(host, "/health/ready", "reason")).Item2.ShouldNotBeNull().ShouldContain("(43 % done)");
        (await host.ScrapeAsync()).Value("edgecache_storage_index_ratio").ShouldBe(0.437);

        host.Store.State = host.Store.State with { Rebuilding = null };
        JsonDocument.Parse(await host.Client.GetStringAsync("/health/ready")).RootElement.GetProperty("reason").ValueKind.ShouldBe(JsonValueKind.Null);
        (await host.ScrapeAsync()).Value("edgecache_storage_index_ratio").ShouldBe(1);
    }

    [Fact]
    public async Task A_stopping_node_answers_what_still_arrives_and_is_not_ready()
    {
        var entered = new TaskCompletionSource();
        var leave = new TaskCompletionSource();
        await using var host = await ObservedHost.StartAsync(map: app => app.MapGet("/slow", async () =>
        {
            entered.SetResult();
            await leave.Task;
        }));
        // A running request keeps the server up while it stops, as a transfer does; the second connection is open before the stop.
        var slow = host.Client.GetAsync("/slow");
        await entered.Task;
        host.Services.GetRequiredService<IHostApplicationLifetime>().StopApplication();

        (await StatusOf(host, "/health/ready", "status")).ShouldBe((HttpStatusCode.ServiceUnavailable, "not ready"));
        (await StatusOf(host, "/health", "status")).ShouldBe((HttpStatusCode.ServiceUnavailable, "stopping"));
        (await StatusOf(host, "/health/live", "status")).ShouldBe((HttpStatusCode.OK, "alive"));
        leave.SetResult();
        await slow;
    }

    [Theory]
    [InlineData("/health")]
    [InlineData("/health/live")]
    [InlineData("/health/ready")]
    [InlineData("/metrics")]
    public async Task Nothing_but_get_and_head_is_allowed(string path)
    {
        await using var host = await ObservedHost.StartAsync();
        foreach (var method in new[] { "POST", "PUT", "DELETE", "OPTIONS", "PURGE" })
        {
            using var response = await host.Client.SendAsync(new HttpRequestMessage(new HttpMethod(method), path));
            response.StatusCode.ShouldBe(HttpStatusCode.MethodNotAllowed, method);
            response.Content.Headers.Allow.ShouldBe(["GET", "HEAD"]);
        }

        using var head = await host.Client.SendAsync(new HttpRequestMessage(HttpMethod.Head, path));
        head.StatusCode.ShouldBe(HttpStatusCode.OK);
        (await head.Content.ReadAsByteArrayAsync()).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_catch_all_route_of_the_user_does_not_take_them()
    {
        RouteConfig[] routes =
        [
            new() { RouteId = "all", ClusterId = "theirs", Order = -1_000, Match = new RouteMatch { Path = "/{**rest}" } },
            new() { RouteId = "health", ClusterId = "theirs", Match = new RouteMatch { Path = "/health", Methods = ["POST"] } },
        ];
        ClusterConfig[] clusters = [new() { ClusterId = "theirs" }];
        await using var host = await ObservedHost.StartAsync(
            map: app => app.MapReverseProxy(),
            add: services => services.AddReverseProxy().LoadFromMemory(routes, clusters));

        (await host.Client.GetAsync("/health")).StatusCode.ShouldBe(HttpStatusCode.OK);
        (await host.Client.GetAsync("/metrics")).StatusCode.ShouldBe(HttpStatusCode.OK);
        (await host.Client.PostAsync("/health", content: null)).StatusCode.ShouldBe(HttpStatusCode.MethodNotAllowed);
        // The user's route is there: a cluster without a destination is a 503 of the proxy.
        (await host.Client.GetAsync("/healthy")).StatusCode.ShouldBe(HttpStatusCode.ServiceUnavailable);
    }

    private static async Task<(HttpStatusCode Status, string? Value)> StatusOf(ObservedHost host, string path, string property)
    {
        using var response = await host.Client.GetAsync(path);
        var json = JsonDocument.Parse(await response.Content.ReadAsStringAsync()).RootElement;
        return (response.StatusCode, json.GetProperty(property).GetString());
    }
}
