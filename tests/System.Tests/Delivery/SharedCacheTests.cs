using System.Net;
using System.Text;
using EdgeCache.TestKit;

namespace EdgeCache.System.Tests.Delivery;

/// <summary>Real shared caches in front of the node: they must do what the fields of its answers promise.</summary>
public sealed class SharedCacheTests
{
    /// <summary>What docs/shared-caches.md shows, with the token of the test.</summary>
    private static string Config => Shown("json").Replace("\"TokenFile\": \"token.txt\"", "\"Token\": \"token-of-the-test\"", StringComparison.Ordinal);

    [Fact]
    public async Task Nginx_keeps_what_it_may_and_asks_again_with_a_304_where_it_must()
    {
        var program = Tools.Require("nginx", "nginx");
        await using var node = await NodeProcess.StartAsync(new NodeSetup { Config = Config });
        var port = LoopbackServer.FreePort();
        using var folder = new TestFolder();
        await File.WriteAllTextAsync(
            folder.File("nginx.conf"),
            NginxConfig(folder, port, node));
        await using var nginx = await CacheProcess.StartAsync(program, ["-p", folder.Path, "-c", folder.File("nginx.conf")], port);
        await PutAsync(node, "/artifacts/a", "one");
        await PutAsync(node, "/cache/moving/a", "first");

        // Immutable: hits, without the node being asked.
        (await nginx.GetAsync("/artifacts/a")).ShouldBe(("one", "MISS"));
        (await nginx.GetAsync("/artifacts/a")).ShouldBe(("one", "HIT"));

        // Replaceable: no-cache, so it is asked each time, and the content comes once.
        (await nginx.GetAsync("/cache/moving/a")).Content.ShouldBe("first");
        (await nginx.GetAsync("/cache/moving/a")).Content.ShouldBe("first");
        await PutAsync(node, "/cache/moving/a", "second");
        (await nginx.GetAsync("/cache/moving/a")).Content.ShouldBe("second");

        // Errors are never kept.
        (await nginx.Client.GetAsync("/artifacts/later")).StatusCode.ShouldBe(HttpStatusCode.NotFound);
        await PutAsync(node, "/artifacts/later", "here");
        (await nginx.GetAsync("/artifacts/later")).Content.ShouldBe("here");
    }

    [Fact]
    public async Task What_needs_a_token_or_is_signed_for_longer_is_not_kept_by_nginx_beyond_what_was_said()
    {
        var program = Tools.Require("nginx", "nginx");
        await using var node = await NodeProcess.StartAsync(new NodeSetup
        {
            Config = """{"EdgeCache": {"Access": {"Token": "token-of-the-test"}, "SignedUrls": {"own": {"ClockSkew": "0s", "Keys": {"k": {"Secret": "0123456789abcdef0123456789abcdef"}}}}, "Namespaces": {"artifacts": {"SignedUrl": "own"}}}}""",
        });
        var port = LoopbackServer.FreePort();
        using var folder = new TestFolder();
        await File.WriteAllTextAsync(
            folder.File("nginx.conf"),
            NginxConfig(folder, port, node));
        await using var nginx = await CacheProcess.StartAsync(program, ["-p", folder.Path, "-c", folder.File("nginx.conf")], port);
        await PutAsync(node, "/artifacts/a", "one");
        nginx.Client.DefaultRequestHeaders.Authorization = new("Bearer", "token-of-the-test");
        (await nginx.GetAsync("/artifacts/a")).ShouldBe(("one", "MISS"));
        (await nginx.GetAsync("/artifacts/a")).ShouldBe(("one", "MISS"));
        nginx.Client.DefaultRequestHeaders.Authorization = null;

        // A signed one may be kept for everybody who has it, until its time is over.
        var signed = (await ToolRun.RunAsync(NodeProcess.Executable, ["sign", "/artifacts/a", "--valid-for", "4s", "--config", node.ConfigFile, "--storage", folder.File("store")])).Succeeded().TrimEnd();
        (await nginx.GetAsync(signed)).ShouldBe(("one", "MISS"));
        (await nginx.GetAsync(signed)).ShouldBe(("one", "HIT"));
        await Eventually.TrueAsync(async () => (await nginx.Client.GetAsync(signed)).StatusCode == HttpStatusCode.Forbidden, TimeSpan.FromSeconds(20), "the cache forgets what is signed when its time is over");
    }

    [Fact]
    public async Task Varnish_keeps_revalidates_and_purges_by_the_tags_that_were_given_at_put()
    {
        var program = Tools.Require("varnishd", "varnish");
        await using var node = await NodeProcess.StartAsync(new NodeSetup { Config = Config });
        var port = LoopbackServer.FreePort();
        using var folder = new TestFolder();
        await File.WriteAllTextAsync(
            folder.File("default.vcl"),
            Shown("vcl").Replace(".port = \"8080\"", $".port = \"{node.Url.Port}\"", StringComparison.Ordinal));
        await using var varnish = await CacheProcess.StartAsync(program, ["-j", "none", "-F", "-a", $"127.0.0.1:{port}", "-f", folder.File("default.vcl"), "-n", folder.File("work"), "-s", "default,16m", "-p", "default_grace=0", "-T", "none"], port);
        await PutAsync(node, "/artifacts/a", "one", ("Surrogate-Key", "app v1"));
        await PutAsync(node, "/artifacts/b", "two", ("Surrogate-Key", "app v2"));
        await PutAsync(node, "/cache/moving/a", "first");
        foreach (var (path, content) in ((string, string)[])[("/artifacts/a", "one"), ("/artifacts/b", "two")])
        {
            (await varnish.GetAsync(path)).ShouldBe((content, "MISS"));
            (await varnish.GetAsync(path)).ShouldBe((content, "HIT"));
        }

        // Gone at the node, still in the cache: until it is told.
        await PurgeAsync(node, "a");
        await PutAsync(node, "/artifacts/a", "new", ("Surrogate-Key", "app v1"));
        (await varnish.GetAsync("/artifacts/a")).ShouldBe(("one", "HIT"));
        (await varnish.Client.SendAsync(new HttpRequestMessage(new HttpMethod("PURGE"), "/artifacts/a"))).EnsureSuccessStatusCode();
        (await varnish.GetAsync("/artifacts/a")).ShouldBe(("new", "MISS"));

        (await varnish.Client.SendAsync(new HttpRequestMessage(new HttpMethod("BAN"), "/") { Headers = { { "Surrogate-Key", "v2" } } })).EnsureSuccessStatusCode();
        (await varnish.GetAsync("/artifacts/a")).ShouldBe(("new", "HIT"));
        (await varnish.GetAsync("/artifacts/b")).ShouldBe(("two", "MISS"));

        // A conditional request of a client is answered from the cache, or by the node, with 304.
        using var answer = await varnish.Client.GetAsync("/artifacts/a");
        using var conditional = new HttpRequestMessage(HttpMethod.Get, "/artifacts/a") { Headers = { { "If-None-Match", answer.Headers.ETag!.ToString() } } };
        (await varnish.Client.SendAsync(conditional)).StatusCode.ShouldBe(HttpStatusCode.NotModified);
        using var slice = new HttpRequestMessage(HttpMethod.Get, "/artifacts/a") { Headers = { { "Range", "bytes=1-" } } };
        using var part = await varnish.Client.SendAsync(slice);
        part.StatusCode.ShouldBe(HttpStatusCode.PartialContent);
        (await part.Content.ReadAsStringAsync()).ShouldBe("ew");
        (await varnish.GetAsync("/cache/moving/a")).Content.ShouldBe("first");
        await PutAsync(node, "/cache/moving/a", "second");
        (await varnish.GetAsync("/cache/moving/a")).Content.ShouldBe("second");
    }

    /// <summary>The one block of a language in docs/shared-caches.md.</summary>
    private static string Shown(string language) => File.ReadAllText(Repository.Path("docs", "shared-caches.md")).Split($"```{language}\n")[1].Split("```")[0];

    /// <summary>What docs/shared-caches.md shows, in a server that needs nothing of the machine.</summary>
    private static string NginxConfig(TestFolder folder, int port, NodeProcess node)
    {
        var shown = Shown("nginx").Replace("/var/cache/nginx/edgecache", folder.File("cache"), StringComparison.Ordinal).Replace("127.0.0.1:8081", $"127.0.0.1:{port}", StringComparison.Ordinal)
            .Replace("127.0.0.1:8080", $"127.0.0.1:{node.Url.Port}", StringComparison.Ordinal);
        return $$"""
            user root; daemon off; worker_processes 1; pid {{folder.File("pid")}}; error_log stderr;
            events { worker_connections 64; }
            http {
              access_log off; client_body_temp_path {{folder.File("b")}}; proxy_temp_path {{folder.File("p")}}; fastcgi_temp_path {{folder.File("f")}}; uwsgi_temp_path {{folder.File("u")}}; scgi_temp_path {{folder.File("s")}};
            {{shown}}
            }
            """;
    }

    private static async Task PutAsync(NodeProcess node, string path, string content, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(HttpMethod.Put, path) { Content = new StringContent(content), Headers = { Authorization = new("Bearer", "token-of-the-test") } };
        foreach (var (name, value) in headers)
            request.Headers.Add(name, value);
        (await node.Client.SendAsync(request)).EnsureSuccessStatusCode();
    }

    private static async Task PurgeAsync(NodeProcess node, string key)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/admin/purge")
        {
            Content = new StringContent($$"""{"namespace": "artifacts", "keys": ["{{key}}"]}""", Encoding.UTF8, "application/json"),
            Headers = { Authorization = new("Bearer", "token-of-the-test") },
        };
        (await node.Client.SendAsync(request)).EnsureSuccessStatusCode();
    }
}
