using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace EdgeCache.System.Tests;

/// <summary>A web server that the node forwards to. It answers everything with its name and the request as it saw it.</summary>
internal sealed class UpstreamServer : IAsyncDisposable
{
    private readonly WebApplication _app;

    private UpstreamServer(WebApplication app) => _app = app;

    public string Url => _app.Urls.Single();

    public static async Task<UpstreamServer> StartAsync(string name)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().UseUrls("http://127.0.0.1:0");
        builder.Services.AddRouting();
        var app = builder.Build();
        app.Run(context => context.Response.WriteAsync($"{name}: {context.Request.Method} {context.Request.Path}"));
        await app.StartAsync();
        return new UpstreamServer(app);
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();
}
