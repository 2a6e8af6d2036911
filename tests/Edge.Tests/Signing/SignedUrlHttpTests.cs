using System.Net;
using System.Text;
using EdgeCache.Client.Signing;
using EdgeCache.Edge.Configuration;
using EdgeCache.TestKit;
using Microsoft.Extensions.DependencyInjection;

namespace EdgeCache.Edge.Tests.Signing;

public sealed class SignedUrlHttpTests
{
    private const string Refused = "The address is not signed for this request, or its time is over.";
    private const string Secret = "0123456789abcdef0123456789abcdef";

    private static readonly (string, string)[] Settings =
    [
        ("SignedUrls:own:Keys:k1:Secret", Secret),
        ("SignedUrls:own:Methods", "GET,HEAD,PUT"),
        ("Namespaces:artifacts:SignedUrl", "own"),
    ];

    [Fact]
    public async Task A_signed_address_is_served_without_a_token_and_an_unsigned_one_is_not()
    {
        await using var node = await TestNode.StartAsync(Settings);
        (await node.PutAsync("/artifacts/key", [1, 2, 3])).StatusCode.ShouldBe(HttpStatusCode.Created);
        using var client = Client(node);

        var url = Sign(node, "/artifacts/key");
        (await client.GetByteArrayAsync(url)).ShouldBe([1, 2, 3]);
        (await client.GetAsync("/artifacts/key")).StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
        var refused = await client.GetAsync(url.Replace("/artifacts/key", "/artifacts/kez", StringComparison.Ordinal));
        refused.StatusCode.ShouldBe(HttpStatusCode.Forbidden);
        (await refused.Content.ReadAsStringAsync()).ShouldContain(Refused);
        (await client.DeleteAsync(url)).StatusCode.ShouldBe(HttpStatusCode.Forbidden);
        (await client.PutAsync(url, new ByteArrayContent([9]))).StatusCode.ShouldBe(HttpStatusCode.Forbidden);
        (await client.PutAsync(Sign(node, "/artifacts/new", SignedMethods.Put), new ByteArrayContent([9]))).StatusCode.ShouldBe(HttpStatusCode.Created);
        (await node.Client.GetAsync("/artifacts/new")).StatusCode.ShouldBe(HttpStatusCode.OK);

        // A bad signature is not mended by a good token: who signs means the signature.
        (await node.Client.GetAsync(url + "x")).StatusCode.ShouldBe(HttpStatusCode.Forbidden);
    }

    [Fact]
    public async Task A_node_without_a_token_asks_for_a_signature_where_a_namespace_has_a_policy()
    {
        await using var node = await TestNode.StartAsync([.. Settings, ("Namespaces:open:Replaceable", "true"), ("Access:Token", null!)]);
        using var client = Client(node);
        (await client.PutAsync(Sign(node, "/artifacts/key", SignedMethods.Put), new ByteArrayContent([1]))).StatusCode.ShouldBe(HttpStatusCode.Created);
        (await client.GetAsync("/artifacts/key")).StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
        (await client.GetAsync(Sign(node, "/artifacts/key"))).StatusCode.ShouldBe(HttpStatusCode.OK);
        (await client.PutAsync("/cache/open/key", new ByteArrayContent([1]))).StatusCode.ShouldBe(HttpStatusCode.Created);
    }

    [Fact]
    public async Task A_forwarded_route_takes_signed_requests_alone_and_the_origin_never_sees_the_signature()
    {
        var heads = new List<string>();
        await using var origin = new LoopbackServer(async (stream, stop) =>
        {
            var peer = new HttpPeer(stream);
            while (await peer.ReadHeadAsync(stop) is { } head)
            {
                lock (heads)
                    heads.Add(head.Text);
                await peer.WriteAsync("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", stop);
            }
        });
        await using var node = await TestNode.StartAsync(
        [
            .. Settings,
            ("ReverseProxy:Routes:mine:ClusterId", "c"),
            ("ReverseProxy:Routes:mine:Match:Path", "/mine/{**x}"),
            ("ReverseProxy:Routes:mine:Transforms:0:EdgeCache.SignedUrl", "own"),
            ("ReverseProxy:Clusters:c:Destinations:d:Address", $"http://127.0.0.1:{origin.Port}/"),
        ]);
        using var client = Client(node);
        (await client.GetAsync("/mine/a?x=1")).StatusCode.ShouldBe(HttpStatusCode.Forbidden);
        (await node.Client.GetAsync("/mine/a?x=1")).StatusCode.ShouldBe(HttpStatusCode.Forbidden, "the node's token is not what the route asks for");
        heads.ShouldBeEmpty();
        var url = Sign(node, "/mine/a%40b?x=%201&&y");
        (await client.GetAsync(url + "x")).StatusCode.ShouldBe(HttpStatusCode.Forbidden);
        (await client.GetStringAsync(url)).ShouldBe("ok");
        heads.ShouldHaveSingleItem().ShouldNotContain("ec-");
        heads[0].ShouldStartWith("GET /mine/a@b?x=%201&&y HTTP/1.1\r\n");
        (await node.SendRawAsync($"GET {url.Replace("/mine/a%40b", "/mine/x/../a%40b", StringComparison.Ordinal)} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")).ShouldStartWith("HTTP/1.1 403");
    }

    [Fact]
    public async Task Any_query_on_a_signed_route_is_refused_and_none_is_a_fault()
    {
        await using var node = await TestNode.StartAsync(Settings);
        var random = new Random(11);
        var good = Sign(node, "/artifacts/key").Split('?')[1];
        for (var i = 0; i < 300; i++)
        {
            var query = new StringBuilder(good);
            for (var change = random.Next(1, 6); change > 0; change--)
                query[random.Next(query.Length)] = (char)random.Next('!', '\u007f');
            if (query.ToString() == good)
                continue;
            var answer = await node.SendRawAsync($"GET /artifacts/key?{query} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
            answer.ShouldMatch("^HTTP/1.1 (403|401|400) ", query.ToString());
        }
    }

    [Fact]
    public async Task Policies_that_are_not_there_and_bad_keys_are_errors_that_name_the_route()
    {
        using var machine = new EdgeCache.Edge.Tests.Configuration.ConfigurationFixture();
        machine.Write("short", "short");
        machine.Write("bad.pem", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----");
        machine.WriteConfig(
            """
            {"EdgeCache": {
              "SignedUrls": {
                "weak": {"Keys": {"a": {"SecretFile": "short"}}},
                "front": {"Kind": "cloudfront", "Keys": {"K": {"PublicKeyFile": "bad.pem"}}},
                "both": {"Keys": {"a": {"Secret": "0123456789abcdef0123456789abcdef"}, "b": {"Secret": "0123456789abcdef0123456789abcdeg"}}}},
              "Namespaces": {"artifacts": {"SignedUrl": "wek"}}},
             "ReverseProxy": {
              "Routes": {"mine": {"ClusterId": "c", "Match": {"Path": "/x"}, "Transforms": [{"EdgeCache.SignedUrl": "bth"}]}},
              "Clusters": {"c": {"Destinations": {"d": {"Address": "http://127.0.0.1:1"}}}}}}
            """);
        var errors = string.Join('\n', await machine.LoadBadAsync());
        errors.ShouldContain("EdgeCache:SignedUrls:weak:Keys:a");
        errors.ShouldContain("EdgeCache:SignedUrls:front:PublicUrl");
        errors.ShouldContain("EdgeCache:SignedUrls:both:SignWith");
        errors.ShouldContain("EdgeCache:Namespaces:artifacts:SignedUrl = \"wek\"");
        errors.ShouldContain("ReverseProxy:Routes:mine: The transform EdgeCache.SignedUrl names the policy \"bth\"");
        errors.ShouldContain("Did you mean both?");
        errors.ShouldNotContain("0123456789abcdef");
    }

    [Fact]
    public async Task The_command_signs_with_the_key_of_the_configuration_and_check_config_hides_it()
    {
        using var machine = new EdgeCache.Edge.Tests.Configuration.ConfigurationFixture();
        machine.WriteConfig("""{"EdgeCache": {"SignedUrls": {"own": {"PublicUrl": "https://cdn.example.com", "Keys": {"k1": {"Secret": "0123456789abcdef0123456789abcdef"}}}}}}""");
        var (exit, output, error) = await machine.RunAsync("check-config", "--config", "node.json");
        exit.ShouldBe(0, error);
        output.ShouldNotContain("0123456789abcdef");
        (exit, output, error) = await machine.RunAsync("sign", "/artifacts/a", "--config", "node.json", "--valid-for", "5m");
        exit.ShouldBe(0, error);
        output.ShouldStartWith("https://cdn.example.com/artifacts/a?ec-key=k1&ec-methods=GET-HEAD&ec-expires=");
        (exit, _, error) = await machine.RunAsync("sign", "/artifacts/../a", "--config", "node.json");
        exit.ShouldBe(1);
        error.ShouldContain("segments");
    }

    internal static string Sign(TestNode node, string target, SignedMethods methods = SignedMethods.Get | SignedMethods.Head, string policy = "own")
    {
        var now = node.Services.GetRequiredService<TimeProvider>().GetUtcNow();
        return node.Services.GetRequiredService<LiveSettings>().Current.SignedUrls[policy].Sign(new SigningRequest(target, methods, now.AddMinutes(10)), now).Url;
    }

    private static HttpClient Client(TestNode node) => new(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = node.Client.BaseAddress };
}
