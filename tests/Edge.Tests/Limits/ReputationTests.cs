using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using EdgeCache.Edge.Access;
using EdgeCache.Edge.Limits;
using EdgeCache.Edge.Tests.Access;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;

namespace EdgeCache.Edge.Tests.Limits;

public sealed class ReputationTests
{
    private static readonly ClientAddress Local = LimiterFixture.Address("127.0.0.1");

    [Fact]
    public async Task Guesses_lock_an_address_out_but_not_its_tokens_and_time_makes_it_good()
    {
        await using var node = await StartAsync([TokenNode.Token("ci", "read", "write")]);
        for (var i = 0; i < 20; i++)
            (await node.SendAsync(HttpMethod.Get, "/artifacts/a", TokenNode.Bearer($"guess{i}"))).StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
        using (var locked = await node.SendAsync(HttpMethod.Get, "/artifacts/a", null))
        {
            locked.StatusCode.ShouldBe(HttpStatusCode.TooManyRequests);
            locked.Headers.RetryAfter!.Delta!.Value.ShouldBeInRange(TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(2) + TimeSpan.FromSeconds(1));
        }
        (await node.SendAsync(HttpMethod.Get, "/artifacts/a", TokenNode.Bearer("ci"))).StatusCode.ShouldBe(HttpStatusCode.NotFound);
        (await node.SendAsync(HttpMethod.Get, "/health", null)).StatusCode.ShouldBe(HttpStatusCode.OK);

        Clock(node).Advance(TimeSpan.FromMinutes(2) + TimeSpan.FromSeconds(1));
        (await node.SendAsync(HttpMethod.Get, "/artifacts/a", null)).StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
        Clock(node).Advance(TimeSpan.FromMinutes(10));
        Standing(node).BadnessOf(Local).ShouldBe(0);
    }

    [Fact]
    public async Task Misses_aborts_and_one_old_token_count_against_nobody()
    {
        await using var node = await StartAsync([TokenNode.Token("ci", "read", "write")]);
        for (var i = 0; i < 50; i++)
        {
            await node.SendAsync(HttpMethod.Get, $"/artifacts/{i}", TokenNode.Bearer("ci"));
            await node.SendAsync(HttpMethod.Get, $"/artifacts/{i}", null);
        }
        Standing(node).BadnessOf(Local).ShouldBe(0);
        await node.Node.SendRawAsync("PUT /artifacts/half HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\nAuthorization: Bearer ci-secret\r\n\r\n12345", closeAfterSending: true);
        Standing(node).BadnessOf(Local).ShouldBe(0);
        (await WorstPrincipalsAsync(node)).ShouldBeEmpty();

        for (var i = 0; i < 50; i++)
            (await node.SendAsync(HttpMethod.Get, $"/artifacts/{i}", TokenNode.Bearer("old"))).StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
        Standing(node).BadnessOf(Local).ShouldBe(0.05, 0.001);
    }

    [Fact]
    public async Task A_principal_is_judged_by_itself()
    {
        await using var node = await StartAsync([TokenNode.Token("good", "read", "write"), TokenNode.Token("bad", "read", "write")], ("Namespaces:cas:Verified", "true"));
        var key = new string('a', 64);
        for (var i = 0; i < 10; i++)
            (await node.SendAsync(HttpMethod.Put, $"/cache/cas/{key}", TokenNode.Bearer("bad"), [1])).StatusCode.ShouldBe(HttpStatusCode.BadRequest);
        Standing(node).BadnessOf(Local).ShouldBe(0);
        (await WorstPrincipalsAsync(node)).ShouldBe([("bad", 0.75)]);

        for (var i = 0; i < 24; i++)
            await node.SendAsync(HttpMethod.Put, $"/cache/cas/{key}", TokenNode.Bearer("bad"), [1]);
        (await node.SendAsync(HttpMethod.Get, "/artifacts/a", TokenNode.Bearer("bad"))).StatusCode.ShouldBe(HttpStatusCode.TooManyRequests);
        (await node.SendAsync(HttpMethod.Get, "/artifacts/a", TokenNode.Bearer("good"))).StatusCode.ShouldBe(HttpStatusCode.NotFound);
    }

    [Fact]
    public async Task Malformed_keys_count_and_good_requests_make_up_for_some()
    {
        await using var node = await StartAsync([TokenNode.Token("ci", "read", "write")], ("Access:AnonymousRead", "true"));
        (await node.SendAsync(HttpMethod.Put, "/artifacts/a", TokenNode.Bearer("ci"), [1])).StatusCode.ShouldBe(HttpStatusCode.Created);
        for (var i = 0; i < 10; i++)
            (await node.SendAsync(HttpMethod.Get, "/artifacts/not,a,key", null)).StatusCode.ShouldBe(HttpStatusCode.BadRequest);
        Standing(node).BadnessOf(Local).ShouldBe(0.1, 0.001);
        for (var i = 0; i < 50; i++)
            (await node.SendAsync(HttpMethod.Get, "/artifacts/a", null)).StatusCode.ShouldBe(HttpStatusCode.OK);
        Standing(node).BadnessOf(Local).ShouldBe(0.05, 0.001);
    }

    [Fact]
    public async Task Malformed_keys_of_a_principal_do_not_count_against_its_address()
    {
        await using var node = await StartAsync([TokenNode.Token("ci", "read", "write")]);
        for (var i = 0; i < 10; i++)
            (await node.SendAsync(HttpMethod.Get, "/artifacts/not,a,key", TokenNode.Bearer("ci"))).StatusCode.ShouldBe(HttpStatusCode.BadRequest);
        Standing(node).BadnessOf(Local).ShouldBe(0);
        (await WorstPrincipalsAsync(node)).ShouldBe([("ci", 0.9)]);
    }

    [Fact]
    public async Task An_admin_sees_who_stands_badly_and_can_mend_it()
    {
        await using var node = await StartAsync([TokenNode.Token("boss", "admin"), TokenNode.Token("ci", "read")]);
        for (var i = 0; i < 20; i++)
            await node.SendAsync(HttpMethod.Get, "/artifacts/a", TokenNode.Bearer($"guess{i}"));
        using var shown = await node.SendAsync(HttpMethod.Get, "/admin/reputation", TokenNode.Bearer("boss"));
        using var answer = JsonDocument.Parse(await shown.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        var first = answer.RootElement.GetProperty("addresses")[0];
        first.GetProperty("name").GetString().ShouldBe("127.0.0.1");
        first.GetProperty("score").GetDouble().ShouldBe(0);
        first.GetProperty("lockedOutSeconds").GetDouble().ShouldBe(120, 0.2);

        (await DeleteAsync(node, "/admin/reputation/addresses/nonsense")).StatusCode.ShouldBe(HttpStatusCode.BadRequest);
        (await DeleteAsync(node, "/admin/reputation/addresses/127.0.0.1")).StatusCode.ShouldBe(HttpStatusCode.NoContent);
        (await node.SendAsync(HttpMethod.Get, "/artifacts/a", null)).StatusCode.ShouldBe(HttpStatusCode.Unauthorized);

        Standing(node).Report(Context(node, "ci"), Offence.DigestMismatch);
        (await DeleteAsync(node, "/admin/reputation/principals/nobody")).StatusCode.ShouldBe(HttpStatusCode.NotFound);
        (await DeleteAsync(node, "/admin/reputation/principals/ci")).StatusCode.ShouldBe(HttpStatusCode.NoContent);
        (await WorstPrincipalsAsync(node, "boss")).ShouldBeEmpty();
        (await DeleteAsync(node, "/admin/reputation")).StatusCode.ShouldBe(HttpStatusCode.NoContent);
    }

    [Fact]
    public async Task Bad_credentials_are_answered_later_the_more_of_them_there_were()
    {
        await using var node = await StartAsync([], ("RateLimits:Reputation:MaxDelay", "10s"));
        (await node.SendAsync(HttpMethod.Get, "/artifacts/a", TokenNode.Bearer("guess0"))).StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
        var second = node.SendAsync(HttpMethod.Get, "/artifacts/a", TokenNode.Bearer("guess1"));
        await TestKit.Eventually.TrueAsync(() => Standing(node).BadnessOf(Local) > 0.09, TimeSpan.FromSeconds(20), "the second guess is counted");
        await TestKit.Eventually.StaysAsync(() => !second.IsCompleted, TimeSpan.FromMilliseconds(300), "it waits");
        Clock(node).Advance(TimeSpan.FromMilliseconds(501));
        (await second).StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
    }

    /// <summary>What a cold build is like: nothing is there.</summary>
    [Fact]
    public async Task A_hundred_thousand_misses_with_a_good_token_are_never_limited()
    {
        const int Misses = 100_000;
        const int Connections = 4;
        await using var node = await StartAsync([TokenNode.Token("ci", "read", "write")]);
        var perConnection = Enumerable.Range(0, Connections).Select(c => Task.Run(() => MissAsync(node.Node.Port, c, Misses / Connections)));
        (await Task.WhenAll(perConnection)).Sum().ShouldBe(Misses);
        Standing(node).BadnessOf(Local).ShouldBe(0);
        (await WorstPrincipalsAsync(node)).ShouldBeEmpty();
    }

    /// <summary>How many of so many requests are a plain miss; pipelined, because the test is about the node.</summary>
    private static async Task<int> MissAsync(int port, int connection, int count)
    {
        const int Batch = 250;
        using var client = new System.Net.Sockets.TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, port, TestContext.Current.CancellationToken);
        await using var stream = client.GetStream();
        var buffer = new byte[64 * 1024];
        var misses = 0;
        for (var done = 0; done < count; done += Batch)
        {
            var requests = string.Concat(Enumerable.Range(done, Batch).Select(i => $"GET /artifacts/{connection}-{i} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ci-secret\r\n\r\n"));
            await stream.WriteAsync(Encoding.ASCII.GetBytes(requests), TestContext.Current.CancellationToken);
            var text = new StringBuilder();
            var answers = 0;
            while (answers < Batch)
            {
                var read = await stream.ReadAsync(buffer, TestContext.Current.CancellationToken);
                if (read == 0)
                    return misses;
                text.Append(Encoding.Latin1.GetString(buffer, 0, read));

                // Every answer to a miss ends with the one object of its body.
                answers = text.ToString().AsSpan().Count('}');
            }
            misses += text.ToString().AsSpan().Count("HTTP/1.1 404 ");
        }
        return misses;
    }

    private static Reputation Standing(TokenNode node) => node.Node.Services.GetRequiredService<Reputation>();

    private static FakeTimeProvider Clock(TokenNode node) => (FakeTimeProvider)node.Node.Services.GetRequiredService<TimeProvider>();

    private static Microsoft.AspNetCore.Http.DefaultHttpContext Context(TokenNode node, string name)
    {
        var context = new Microsoft.AspNetCore.Http.DefaultHttpContext { RequestServices = node.Node.Services };
        var key = EdgeCache.Storage.BlobKey.Create("artifacts", "", "k");
        var principal = node.Node.Services.GetRequiredService<TokenDirectory>().Current.Principals.Single(p => p.Name == name);
        context.Features.Set(new EdgeCache.Edge.Protocols.BlobRequest(key, new EdgeCache.Storage.NamespacePolicy { Name = "artifacts" }) { Principal = principal });
        return context;
    }

    private static Task<TokenNode> StartAsync(TokenEntry[] tokens, params (string Key, string Value)[] settings) =>
        TokenNode.StartAsync(tokens, services => services.AddSingleton<TimeProvider>(new FakeTimeProvider()), [("RateLimits:Enabled", "true"), ("RateLimits:Reputation:MaxDelay", "0s"), .. settings]);

    private static async Task<List<(string Name, double Score)>> WorstPrincipalsAsync(TokenNode node, string? admin = null)
    {
        var credentials = admin is null ? new AuthenticationHeaderValue("Bearer", TestNode.Token) : TokenNode.Bearer(admin);
        using var shown = await node.SendAsync(HttpMethod.Get, "/admin/reputation", credentials);
        using var answer = JsonDocument.Parse(await shown.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        return [.. answer.RootElement.GetProperty("principals").EnumerateArray().Select(p => (p.GetProperty("name").GetString()!, p.GetProperty("score").GetDouble()))];
    }

    private static async Task<HttpResponseMessage> DeleteAsync(TokenNode node, string path)
    {
        using var request = new HttpRequestMessage(HttpMethod.Delete, path) { Content = new StringContent("", Encoding.UTF8, "application/json") };
        request.Headers.Authorization = TokenNode.Bearer("boss");
        node.Node.Client.DefaultRequestHeaders.Authorization = null;
        return await node.Node.Client.SendAsync(request, TestContext.Current.CancellationToken);
    }
}
