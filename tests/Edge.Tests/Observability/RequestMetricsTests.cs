using System.Net.Sockets;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace EdgeCache.Edge.Tests.Observability;

public sealed class RequestMetricsTests
{
    [Theory]
    [InlineData("/teapot", "GET", "418")]
    [InlineData("/nowhere", "GET", "404")]
    [InlineData("/throws", "GET", "500")]
    [InlineData("/bad", "GET", "413")]
    public async Task Each_outcome_is_counted_under_its_status(string path, string method, string status)
    {
        await using var host = await ObservedHost.StartAsync(map: app =>
        {
            app.MapGet("/teapot", () => Results.StatusCode(418));
            app.MapGet("/throws", void () => throw new InvalidOperationException());
            app.MapGet("/bad", void () => throw new BadHttpRequestException("Too large.", 413));
        });
        using var response = await host.Client.GetAsync(path);
        ((int)response.StatusCode).ToString().ShouldBe(status);
        (await host.ScrapeAsync()).Value("builder_cache_requests_total", ("method", method), ("status", status)).ShouldBe(1);
    }

    [Theory]
    [InlineData("PURGE", "PURGE")]
    [InlineData("BREW", "OTHER")]
    [InlineData("get", "OTHER")]
    [InlineData("OPTIONS", "OPTIONS")]
    public async Task Methods_that_clients_make_up_share_one_label(string method, string label)
    {
        await using var host = await ObservedHost.StartAsync();
        host.Metrics.RecordRequest(method, 200, TimeSpan.Zero);
        var scrape = await host.ScrapeAsync();
        scrape.Value("builder_cache_requests_total", ("method", label), ("status", "200")).ShouldBe(1);
        scrape.Value("builder_cache_request_duration_milliseconds_count", ("method", label)).ShouldBe(1);
    }

    [Fact]
    public async Task A_status_that_is_none_shares_one_label()
    {
        await using var host = await ObservedHost.StartAsync();
        host.Metrics.RecordRequest("GET", 999, TimeSpan.Zero);
        host.Metrics.RecordRequest("GET", -7, TimeSpan.Zero);
        (await host.ScrapeAsync()).Value("builder_cache_requests_total", ("method", "GET"), ("status", "other")).ShouldBe(2);
    }

    [Fact]
    public async Task The_time_is_measured_by_the_injected_clock()
    {
        ObservedHost? host = null;
        await using (host = await ObservedHost.StartAsync(map: app => app.MapGet("/slow", () => host!.Time.Advance(TimeSpan.FromMilliseconds(40)))))
        {
            await host.Client.GetAsync("/slow");
            var scrape = await host.ScrapeAsync();
            scrape.Value("builder_cache_request_duration_milliseconds_sum", ("method", "GET")).ShouldBe(40);
        }
    }

    [Theory]
    [InlineData("GET /wait HTTP/1.1\r\nHost: localhost\r\n\r\n", "GET", true)]
    [InlineData("GET /wait HTTP/1.1\r\nHost: localhost\r\n\r\n", "GET", false)]
    [InlineData("PUT /read HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nonly this", "PUT", true)]
    [InlineData("PUT /read HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nonly this", "PUT", false)]
    public async Task A_client_that_leaves_before_the_response_is_counted_as_499(string request, string method, bool reset)
    {
        var entered = new TaskCompletionSource();
        var over = new TaskCompletionSource();
        await using var host = await ObservedHost.StartAsync(
            map: app =>
            {
                app.MapGet("/wait", async (HttpContext context) =>
                {
                    entered.SetResult();
                    await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, context.RequestAborted);
                });
                app.MapPut("/read", async (HttpContext context) =>
                {
                    entered.SetResult();
                    await context.Request.Body.CopyToAsync(Stream.Null, context.RequestAborted);
                });
            },
            first: app => app.Use(async (context, next) =>
            {
                try
                {
                    await next(context);
                }
                finally
                {
                    if (context.Request.Path != "/metrics")
                        over.SetResult();
                }
            }));

        using (var socket = new Socket(SocketType.Stream, ProtocolType.Tcp))
        {
            await socket.ConnectAsync(host.Client.BaseAddress!.Host, host.Client.BaseAddress.Port);
            await socket.SendAsync(Encoding.ASCII.GetBytes(request));
            await entered.Task;
            // A killed client's system resets the connection, or closes it like a client that is done.
            if (reset)
                socket.LingerState = new LingerOption(enable: true, seconds: 0);
        }

        await over.Task.WaitAsync(TimeSpan.FromSeconds(30), TimeProvider.System);
        (await host.ScrapeAsync()).Value("builder_cache_requests_total", ("method", method), ("status", "499")).ShouldBe(1);
    }

    [Fact]
    public async Task A_response_that_began_keeps_its_status_when_the_client_leaves()
    {
        var over = new TaskCompletionSource();
        await using var host = await ObservedHost.StartAsync(
            map: app => app.MapGet("/stream", async (HttpContext context) =>
            {
                await context.Response.WriteAsync("begun");
                await context.Response.Body.FlushAsync();
                await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, context.RequestAborted);
            }),
            first: app => app.Use(async (context, next) =>
            {
                try
                {
                    await next(context);
                }
                finally
                {
                    if (context.Request.Path == "/stream")
                        over.SetResult();
                }
            }));
        (await host.Client.GetAsync("/stream", HttpCompletionOption.ResponseHeadersRead)).Dispose();
        await over.Task.WaitAsync(TimeSpan.FromSeconds(30), TimeProvider.System);
        (await host.ScrapeAsync()).Value("builder_cache_requests_total", ("method", "GET"), ("status", "200")).ShouldBe(1);
    }

    [Fact]
    public async Task Recording_allocates_nothing()
    {
        await using var host = await ObservedHost.StartAsync();
        var metrics = host.Metrics;
        Record(100);
        var before = GC.GetAllocatedBytesForCurrentThread();
        Record(10_000);
        (GC.GetAllocatedBytesForCurrentThread() - before).ShouldBeLessThan(10_000);

        void Record(int times)
        {
            for (var i = 0; i < times; i++)
            {
                metrics.RecordLookup("artifacts", hit: i % 2 == 0);
                metrics.RecordSent("artifacts", 10, 0);
                metrics.RecordReceived("artifacts", 10);
                metrics.RecordRequest("GET", 200, TimeSpan.FromMilliseconds(1));
            }
        }
    }
}
