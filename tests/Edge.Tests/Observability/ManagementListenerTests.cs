using System.Net;
using System.Net.Sockets;
using EdgeCache.Edge.Configuration;
using EdgeCache.Edge.Observability;
using Microsoft.AspNetCore.Builder;

namespace EdgeCache.Edge.Tests.Observability;

public sealed class ManagementListenerTests
{
    [Fact]
    public async Task Health_and_metrics_are_there_and_nowhere_else_and_nothing_else_is_there()
    {
        var port = FreePort();
        var options = new EdgeCacheOptions { Listen = { Management = $"127.0.0.1:{port}" } };
        await using var host = await ObservedHost.StartAsync(options, app => app.MapGet("/secret", () => "stored"), managementPort: port);
        using var management = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{port}") };

        foreach (var path in new[] { "/health", "/health/live", "/health/ready", "/metrics", "/health/" })
        {
            (await management.GetAsync(path)).StatusCode.ShouldBe(HttpStatusCode.OK, path);
            (await host.Client.GetAsync(path)).StatusCode.ShouldBe(HttpStatusCode.NotFound, path);
        }

        (await management.GetAsync("/secret")).StatusCode.ShouldBe(HttpStatusCode.NotFound);
        (await management.PostAsync("/metrics", content: null)).StatusCode.ShouldBe(HttpStatusCode.MethodNotAllowed);
        (await host.Client.GetStringAsync("/secret")).ShouldBe("stored");
    }

    [Fact]
    public async Task The_host_header_does_not_open_the_other_listener()
    {
        var port = FreePort();
        var options = new EdgeCacheOptions { Listen = { Management = $"127.0.0.1:{port}" } };
        await using var host = await ObservedHost.StartAsync(options, app => app.MapGet("/secret", () => "stored"), managementPort: port);

        using var pretended = new HttpRequestMessage(HttpMethod.Get, "/metrics");
        pretended.Headers.Host = $"127.0.0.1:{port}";
        (await host.Client.SendAsync(pretended)).StatusCode.ShouldBe(HttpStatusCode.NotFound);

        using var management = new HttpClient();
        using var reversed = new HttpRequestMessage(HttpMethod.Get, $"http://127.0.0.1:{port}/secret");
        reversed.Headers.Host = host.Client.BaseAddress!.Authority;
        (await management.SendAsync(reversed)).StatusCode.ShouldBe(HttpStatusCode.NotFound);
    }

    [Fact]
    public async Task Scrapes_of_the_management_listener_are_not_counted_as_the_nodes_requests()
    {
        var port = FreePort();
        var options = new EdgeCacheOptions { Listen = { Management = $"127.0.0.1:{port}" } };
        await using var host = await ObservedHost.StartAsync(options, managementPort: port);
        using var management = new HttpClient();
        await management.GetAsync($"http://127.0.0.1:{port}/health");
        host.Metrics.Requests.ShouldBe(0);
    }

    [Theory]
    [InlineData("127.0.0.1:0")]
    [InlineData("127.0.0.1")]
    [InlineData("9090:")]
    [InlineData("127.0.0.1:70000")]
    [InlineData("10.0.0.1:8080")]
    public void A_port_that_does_not_tell_the_listeners_apart_stops_the_start(string address)
    {
        var options = new EdgeCacheOptions { Listen = { Management = address } };
        Should.Throw<InvalidOperationException>(() => new ManagementListener(new LiveSettings(new EdgeSettings(options, token: null))))
            .Message.ShouldContain(address);
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
