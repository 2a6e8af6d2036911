using EdgeCache.TestKit;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace EdgeCache.System.Tests.Delivery;

/// <summary>A page of another origin in a real browser.</summary>
public sealed class BrowserTests
{
    [Fact]
    public async Task A_page_of_an_allowed_origin_reads_an_artifact_and_another_does_not()
    {
        var chromium = Tools.Require("chromium", "chromium");
        await using var allowed = await PageServer.StartAsync();
        await using var other = await PageServer.StartAsync();
        await using var node = await NodeProcess.StartAsync(new NodeSetup
        {
            Config = $$$$"""{"EdgeCache": {"Access": {"AnonymousRead": true, "Token": "token-of-the-test"}, "Cors": {"web": {"Origins": ["{{{{allowed.Url}}}}"]}}, "Namespaces": {"artifacts": {"Cors": "web"} } }}""",
        });
        using var put = new HttpRequestMessage(HttpMethod.Put, "/artifacts/a") { Content = new StringContent("for the page"), Headers = { Authorization = new("Bearer", "token-of-the-test") } };
        (await node.Client.SendAsync(put)).EnsureSuccessStatusCode();
        var page = $"?from={Uri.EscapeDataString(new Uri(node.Url, "/artifacts/a").AbsoluteUri)}";

        // The range is what the page asks leave for in a preflight.
        (await DumpAsync(chromium, $"{allowed.Url}/{page}")).ShouldContain("206 the page etag");
        (await DumpAsync(chromium, $"{other.Url}/{page}")).ShouldContain("refused");
    }

    private static async Task<string> DumpAsync(string chromium, string url)
    {
        using var folder = new TestFolder();
        var run = await ToolRun.RunAsync(
            chromium,
            ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-proxy-server", $"--user-data-dir={folder.Path}", "--virtual-time-budget=8000", "--dump-dom", url],
            environment: new Dictionary<string, string>(StringComparer.Ordinal) { ["HOME"] = folder.Path },
            limit: TimeSpan.FromSeconds(100));
        return run.Succeeded();
    }

    /// <summary>Serves one page, which fetches what its address says and writes what came of it.</summary>
    private sealed class PageServer : IAsyncDisposable
    {
        private const string Page =
            """
            <!doctype html><body id="b">waiting</body><script>
            fetch(new URLSearchParams(location.search).get('from'), { headers: { Range: 'bytes=4-11' } })
              .then(async a => { const text = await a.text(); document.getElementById('b').textContent = a.status + ' ' + text + (a.headers.get('ETag') ? ' etag' : ''); })
              .catch(() => { document.getElementById('b').textContent = 'refused'; });
            </script>
            """;

        private readonly WebApplication _app;

        private PageServer(WebApplication app) => _app = app;

        public string Url => _app.Urls.Single();

        public static async Task<PageServer> StartAsync()
        {
            var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
            builder.WebHost.UseKestrelCore().UseUrls("http://127.0.0.1:0");
            builder.Services.AddRouting();
            var app = builder.Build();
            app.Run(context =>
            {
                context.Response.ContentType = "text/html";
                return context.Response.WriteAsync(Page);
            });
            await app.StartAsync();
            return new PageServer(app);
        }

        public ValueTask DisposeAsync() => _app.DisposeAsync();
    }
}
