using System.Net;
using EdgeCache.Edge.Configuration;
using EdgeCache.Edge.Observability;
using EdgeCache.Storage;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;

namespace EdgeCache.Edge.Tests.Observability;

/// <summary>A real server with metrics and health in it, and whatever else a test maps.</summary>
internal sealed class ObservedHost : IAsyncDisposable
{
    private readonly WebApplication _app;

    private ObservedHost(WebApplication app, FixedStore store, FakeTimeProvider time)
    {
        _app = app;
        Store = store;
        Time = time;
        Client = new HttpClient { BaseAddress = new Uri(app.Urls.First()) };
    }

    public FixedStore Store { get; }

    public FakeTimeProvider Time { get; }

    public HttpClient Client { get; }

    public EdgeMetrics Metrics => _app.Services.GetRequiredService<EdgeMetrics>();

    public IServiceProvider Services => _app.Services;

    public static async Task<ObservedHost> StartAsync(
        EdgeCacheOptions? options = null,
        Action<WebApplication>? map = null,
        Action<IServiceCollection>? add = null,
        Action<WebApplication>? first = null,
        int managementPort = 0)
    {
        var store = new FixedStore();
        var time = new FakeTimeProvider();
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.Listen(IPAddress.Loopback, 0);
            if (managementPort != 0)
                kestrel.Listen(IPAddress.Loopback, managementPort);
        });
        builder.Services.AddSingleton(new LiveSettings(new EdgeSettings(options ?? new EdgeCacheOptions(), token: null)));
        builder.Services.AddSingleton<TimeProvider>(time);
        builder.Services.AddSingleton<IBlobStore>(store);
        builder.Services.AddObservability();
        add?.Invoke(builder.Services);

        var app = builder.Build();
        first?.Invoke(app);
        app.UseRequestMetrics();
        // After the metrics, as in the product: by default routing would come first of all.
        app.UseRouting();
        app.MapObservability();
        map?.Invoke(app);
        await app.StartAsync();
        return new ObservedHost(app, store, time);
    }

    public async Task<Exposition> ScrapeAsync(string? accept = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/metrics");
        if (accept is not null)
            request.Headers.TryAddWithoutValidation("Accept", accept);
        using var response = await Client.SendAsync(request);
        response.StatusCode.ShouldBe(HttpStatusCode.OK);
        var openMetrics = response.Content.Headers.ContentType!.MediaType == "application/openmetrics-text";
        return Exposition.Parse(await response.Content.ReadAsStringAsync(), openMetrics);
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await _app.DisposeAsync();
    }
}
