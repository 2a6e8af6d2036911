using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using EdgeCache.Edge.Tests.Transport;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;

namespace EdgeCache.Edge.Tests.Limits;

/// <summary>Limits through a whole node, on a clock that stands still unless the test moves it.</summary>
public sealed class LimitHttpTests
{
    private static readonly (string Key, string Value)[] On = [("RateLimits:Enabled", "true")];

    [Fact]
    public async Task Over_the_limit_of_an_address_it_is_429_with_all_that_helps()
    {
        await using var node = await StartAsync(("RateLimits:Address:RequestsPerSecond", "2"), ("RateLimits:Address:Burst", "10"));
        for (var i = 0; i < 10; i++)
            (await AskAsync(node)).StatusCode.ShouldBe(HttpStatusCode.Unauthorized);

        using var answer = await AskAsync(node);
        answer.StatusCode.ShouldBe(HttpStatusCode.TooManyRequests);
        answer.Headers.RetryAfter!.Delta.ShouldBe(TimeSpan.FromSeconds(1));
        answer.Headers.GetValues("RateLimit-Policy").ShouldBe(["\"address\";q=10;w=5"]);
        answer.Headers.GetValues("RateLimit").ShouldBe(["\"address\";r=0;t=1"]);
        answer.Content.Headers.ContentType!.MediaType.ShouldBe("application/problem+json");
        answer.Headers.CacheControl!.NoStore.ShouldBeTrue();
        using var body = JsonDocument.Parse(await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        body.RootElement.GetProperty("status").GetInt32().ShouldBe(429);
        body.RootElement.GetProperty("detail").GetString()!.ShouldContain("address");

        Clock(node).Advance(TimeSpan.FromSeconds(1));
        (await AskAsync(node)).StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
        (await AskAsync(node)).StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
        (await AskAsync(node)).StatusCode.ShouldBe(HttpStatusCode.TooManyRequests);
        (await MetricsAsync(node)).ShouldContain("edgecache_limited_total{limit=\"address\",unit=\"requests\"} 2");
    }

    [Fact]
    public async Task Who_has_a_token_is_not_held_to_the_limit_of_an_address()
    {
        await using var node = await StartAsync(("RateLimits:Address:RequestsPerSecond", "1"), ("RateLimits:Address:Burst", "1"), ("RateLimits:AttemptsPerSecond", "1"), ("RateLimits:AttemptBurst", "1"));
        (await AskAsync(node)).StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
        (await AskAsync(node)).StatusCode.ShouldBe(HttpStatusCode.TooManyRequests);
        for (var i = 0; i < 50; i++)
            (await node.GetAsync($"/artifacts/{i}")).StatusCode.ShouldBe(HttpStatusCode.NotFound);

        // Also when every request comes on a connection of its own.
        for (var i = 0; i < 20; i++)
            (await node.GetAsync($"/artifacts/{i}", ("Connection", "close"))).StatusCode.ShouldBe(HttpStatusCode.NotFound);
    }

    [Fact]
    public async Task Guessing_tokens_is_limited_and_sending_the_same_wrong_one_is_no_guess()
    {
        await using var node = await StartAsync(("RateLimits:AttemptsPerSecond", "1"), ("RateLimits:AttemptBurst", "5"), ("RateLimits:Reputation:Enabled", "false"));
        var guesses = new List<HttpStatusCode>();
        for (var i = 0; i < 20; i++)
            guesses.Add((await AskAsync(node, $"guess-{i}")).StatusCode);
        guesses.Count(s => s == HttpStatusCode.Unauthorized).ShouldBe(5);
        guesses.Count(s => s == HttpStatusCode.TooManyRequests).ShouldBe(15);

        Clock(node).Advance(TimeSpan.FromMinutes(1));
        for (var i = 0; i < 20; i++)
            (await AskAsync(node, "old-token", ("Connection", "close"))).StatusCode.ShouldBe(HttpStatusCode.Unauthorized, $"{i}");
    }

    [Theory]
    [InlineData("artifacts", null, 429, 429)]
    [InlineData("plain", null, 429, 429)]
    [InlineData("nx", null, 404, 403)]
    [InlineData("nix", null, 404, 403)]
    [InlineData("gradle", null, 404, 200)]
    [InlineData("rush", null, 404, 200)]
    [InlineData("gradle", "error", 429, 429)]
    [InlineData("plain", "miss", 404, 403)]
    [InlineData("plain", "drop", 404, 200)]
    public async Task A_namespace_answers_as_its_tool_can_bear(string name, string? setting, int get, int put)
    {
        List<(string, string)> settings = [("RateLimits:Principal:RequestsPerSecond", "1"), ("RateLimits:Principal:Burst", "1"), ($"Namespaces:{name}:Replaceable", "true")];
        if (setting is not null)
            settings.Add(($"Namespaces:{name}:WhenLimited", setting));
        await using var node = await StartAsync([.. settings]);
        var path = name == "artifacts" ? "/artifacts/a" : $"/cache/{name}/a";
        (await node.PutAsync(path, [1])).StatusCode.ShouldBe(HttpStatusCode.Created);

        ((int)(await node.GetAsync(path)).StatusCode).ShouldBe(get);
        ((int)(await node.SendAsync(HttpMethod.Head, path)).StatusCode).ShouldBe(get);
        using var answer = await node.PutAsync(path, new byte[100_000]);
        ((int)answer.StatusCode).ShouldBe(put);
        if (put == 200)
            answer.Headers.GetValues("EdgeCache-Stored").ShouldBe(["none"]);
        ((int)(await node.SendAsync(HttpMethod.Delete, path)).StatusCode).ShouldBe(429);

        Clock(node).Advance(TimeSpan.FromSeconds(1));
        (await node.Client.GetByteArrayAsync(path, TestContext.Current.CancellationToken)).ShouldBe([1]);
    }

    [Fact]
    public async Task Health_has_a_limit_of_its_own_and_none_from_a_free_network()
    {
        (string, string)[] limits = [("RateLimits:Address:RequestsPerSecond", "1"), ("RateLimits:Address:Burst", "3")];
        await using var node = await StartAsync(limits);
        for (var i = 0; i < 4; i++)
            await AskAsync(node);
        for (var i = 0; i < 3; i++)
            (await node.GetAsync("/health")).StatusCode.ShouldBe(HttpStatusCode.OK);
        (await node.GetAsync("/health")).StatusCode.ShouldBe(HttpStatusCode.TooManyRequests);
        (await node.GetAsync("/metrics")).StatusCode.ShouldBe(HttpStatusCode.TooManyRequests);

        await using var free = await StartAsync([.. limits, ("RateLimits:FreeNetworks", "127.0.0.0/8")]);
        for (var i = 0; i < 20; i++)
            (await free.GetAsync("/health/live")).StatusCode.ShouldBe(HttpStatusCode.OK);
        (await AskAsync(free)).StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
    }

    [Fact]
    public async Task Behind_a_trusted_proxy_every_client_has_its_own_limit_and_cannot_make_another_one_up()
    {
        await using var node = await StartAsync(("RateLimits:Address:RequestsPerSecond", "1"), ("RateLimits:Address:Burst", "2"), ("Access:TrustedProxies", "127.0.0.0/8"));
        for (var i = 0; i < 10; i++)
        {
            using var one = await AskAsync(node, null, ("X-Forwarded-For", $"198.51.100.{i}, 192.0.2.1"));
            one.StatusCode.ShouldBe(i < 2 ? HttpStatusCode.Unauthorized : HttpStatusCode.TooManyRequests);
        }
        (await AskAsync(node, null, ("X-Forwarded-For", "192.0.2.2"))).StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
    }

    [Fact]
    public async Task Bytes_both_ways_are_charged_as_they_flow()
    {
        await using var node = await StartAsync(("RateLimits:Principal:BytesPerSecond", "1000000"));
        (await node.PutAsync("/artifacts/a", new byte[3_000_000])).StatusCode.ShouldBe(HttpStatusCode.Created);
        using var refused = await node.GetAsync("/artifacts/a");
        refused.StatusCode.ShouldBe(HttpStatusCode.TooManyRequests);
        refused.Headers.RetryAfter!.Delta.ShouldBe(TimeSpan.FromSeconds(2));
        refused.Headers.GetValues("RateLimit-Policy").ShouldBe(["\"principal\";q=1000000;qu=\"content-bytes\";w=1"]);
        Clock(node).Advance(TimeSpan.FromSeconds(2));
        (await node.GetAsync("/artifacts/a")).StatusCode.ShouldBe(HttpStatusCode.OK);
        using var again = await node.GetAsync("/artifacts/a");
        again.Headers.RetryAfter!.Delta.ShouldBe(TimeSpan.FromSeconds(3));
    }

    [Fact]
    public async Task Only_so_many_uploads_go_on_at_a_time()
    {
        await using var node = await StartAsync(("RateLimits:MaxUploads", "2"), ("RateLimits:MaxUploadsPerClient", "1"));
        await using (var slow = await RawClient.ConnectAsync(node))
        {
            await slow.SendAsync("PUT /artifacts/slow HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\nAuthorization: Bearer " + TestNode.Token + "\r\n\r\n12345");
            var uploads = node.Services.GetRequiredService<EdgeCache.Edge.Limits.UploadGate>();
            await TestKit.Eventually.TrueAsync(() => !IsFree(uploads), TimeSpan.FromSeconds(20), "the upload goes on");
            using var answer = await node.PutAsync("/artifacts/a", [1]);
            answer.StatusCode.ShouldBe(HttpStatusCode.TooManyRequests);
            answer.Headers.GetValues("RateLimit-Policy").ShouldBe(["\"uploads\";q=1;qu=\"concurrent-requests\""]);
            (await node.GetAsync("/artifacts/a")).StatusCode.ShouldBe(HttpStatusCode.NotFound);
            await slow.SendAsync("67890");
            (await slow.ReadHeaderAsync()).Status.ShouldBe(201);
        }
        (await node.PutAsync("/artifacts/a", [1])).StatusCode.ShouldBe(HttpStatusCode.Created);
    }

    [Fact]
    public async Task Routes_of_the_users_own_are_limited_by_name()
    {
        await using var upstream = await StartAsync();
        await using var node = await StartAsync(
            ("RateLimits:Policies:slow:RequestsPerSecond", "1"),
            ("RateLimits:Policies:slow:Burst", "3"),
            ("ReverseProxy:Routes:docs:ClusterId", "docs"),
            ("ReverseProxy:Routes:docs:RateLimiterPolicy", "slow"),
            ("ReverseProxy:Routes:docs:Match:Path", "/docs/{**rest}"),
            ("ReverseProxy:Routes:docs:Transforms:0:PathSet", "/health"),
            ("ReverseProxy:Routes:free:ClusterId", "docs"),
            ("ReverseProxy:Routes:free:Match:Path", "/free"),
            ("ReverseProxy:Routes:free:Transforms:0:PathSet", "/health"),
            ("ReverseProxy:Clusters:docs:Destinations:one:Address", $"http://127.0.0.1:{upstream.Port}"));
        for (var i = 0; i < 3; i++)
            (await node.GetAsync("/docs/a")).StatusCode.ShouldBe(HttpStatusCode.OK);
        using var refused = await node.GetAsync("/docs/a");
        refused.StatusCode.ShouldBe(HttpStatusCode.TooManyRequests);
        refused.Headers.GetValues("RateLimit-Policy").ShouldBe(["\"slow\";q=3;w=3"]);
        (await node.GetAsync("/free")).StatusCode.ShouldBe(HttpStatusCode.OK);
        Clock(node).Advance(TimeSpan.FromSeconds(1));
        (await node.GetAsync("/docs/a")).StatusCode.ShouldBe(HttpStatusCode.OK);
        (await node.GetAsync("/docs/a")).StatusCode.ShouldBe(HttpStatusCode.TooManyRequests);
    }

    [Fact]
    public async Task Credentials_for_a_route_of_the_users_own_are_no_try_at_the_nodes()
    {
        await using var upstream = await StartAsync();
        await using var node = await StartAsync(
            ("RateLimits:AttemptsPerSecond", "1"),
            ("RateLimits:AttemptBurst", "3"),
            ("ReverseProxy:Routes:docs:ClusterId", "docs"),
            ("ReverseProxy:Routes:docs:Match:Path", "/docs/{**rest}"),
            ("ReverseProxy:Routes:docs:Transforms:0:PathSet", "/health"),
            ("ReverseProxy:Clusters:docs:Destinations:one:Address", $"http://127.0.0.1:{upstream.Port}"));
        node.Client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", "somebody-elses");
        for (var i = 0; i < 20; i++)
            (await node.GetAsync("/docs/a", ("Connection", "close"))).StatusCode.ShouldBe(HttpStatusCode.OK);

        // Nor is what ends before anybody looks at them.
        for (var i = 0; i < 20; i++)
            (await node.GetAsync("/cache/unknown/a", ("Connection", "close"))).StatusCode.ShouldBe(HttpStatusCode.NotFound);
    }

    [Fact]
    public async Task Without_the_switch_nobody_is_limited()
    {
        await using var node = await TestNode.StartAsync(("RateLimits:Address:RequestsPerSecond", "1"), ("RateLimits:Address:Burst", "1"), ("RateLimits:Global:RequestsPerSecond", "1"));
        for (var i = 0; i < 20; i++)
            (await AskAsync(node)).StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
    }

    private static bool IsFree(EdgeCache.Edge.Limits.UploadGate uploads)
    {
        if (!uploads.Enter(1, 1, 0).IsAdmitted)
            return false;
        uploads.Leave(1);
        return true;
    }

    private static Task<TestNode> StartAsync(params (string Key, string Value)[] settings) =>
        TestNode.StartAsync(services => services.AddSingleton<TimeProvider>(new FakeTimeProvider()), [.. On, .. settings]);

    private static FakeTimeProvider Clock(TestNode node) => (FakeTimeProvider)node.Services.GetRequiredService<TimeProvider>();

    /// <summary>A request with another token than the node's, or with none.</summary>
    private static async Task<HttpResponseMessage> AskAsync(TestNode node, string? token = null, params (string Name, string Value)[] headers)
    {
        using var client = new HttpClient { BaseAddress = node.Client.BaseAddress };
        using var request = new HttpRequestMessage(HttpMethod.Get, "/artifacts/a");
        if (token is not null)
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        foreach (var (name, value) in headers)
            request.Headers.TryAddWithoutValidation(name, value);
        return await client.SendAsync(request, TestContext.Current.CancellationToken);
    }

    private static async Task<string> MetricsAsync(TestNode node) => await node.Client.GetStringAsync("/metrics", TestContext.Current.CancellationToken);
}
