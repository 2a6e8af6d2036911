using System.Net;
using System.Text;
using System.Text.Json;
using EdgeCache.Edge.Access;
using EdgeCache.Edge.Tests.Access;
using EdgeCache.TestKit;

namespace EdgeCache.Edge.Tests.Signing;

/// <summary><c>POST /admin/sign</c>: for all kinds, and for nobody more than they may do themselves.</summary>
public sealed class SignEndpointTests : IAsyncLifetime
{
    private const string Secret = "0123456789abcdef0123456789abcdef";

    private static readonly string[] Kinds = ["own", "flare", "front"];

    private readonly TestFolder _folder = new();
    private TokenNode _node = null!;

    public static TheoryData<string> AllKinds => [.. Kinds];

    public async ValueTask InitializeAsync()
    {
        await File.WriteAllTextAsync(_folder.File("key.pem"), Policies.Rsa.ExportPkcs8PrivateKeyPem());
        TokenEntry[] tokens =
        [
            TokenNode.Token("boss", "admin", "read", "write", "delete"),
            TokenNode.Token("reader", "admin", "read"),
            TokenNode.Token("clerk", "admin"),
            TokenNode.Token("ci", "read", "write"),
            TokenNode.Token("team", "admin", "read", "write") with { Namespaces = ["own", "flare", "front"], Prefixes = ["team-", "folder/"] },
            TokenNode.Token("guest", "admin", "read") with { Expires = TimeProvider.System.GetUtcNow().AddHours(1) },
        ];
        _node = await TokenNode.StartAsync(
            tokens,
            [
                ("SignedUrls:own:Keys:k1:Secret", Secret),
                ("SignedUrls:own:Methods", "GET,HEAD,PUT"),
                ("SignedUrls:flare:Kind", "cloudflare"),
                ("SignedUrls:flare:Lifetime", "3h"),
                ("SignedUrls:flare:Keys:k1:Secret", Secret),
                ("SignedUrls:front:Kind", "cloudfront"),
                ("SignedUrls:front:PublicUrl", "https://front.example.com"),
                ("SignedUrls:front:Keys:K1:PrivateKeyFile", _folder.File("key.pem")),
                .. Kinds.SelectMany(k => new[] { ($"Namespaces:{k}:SignedUrl", k), ($"Namespaces:{k}:SlashInKeys", "true") }),
            ]);
        foreach (var kind in Kinds)
        {
            foreach (var key in (string[])["team-a", "other"])
                (await _node.SendAsync(HttpMethod.Put, $"/cache/{kind}/{key}", TokenNode.Bearer("boss"), [1, 2, 3])).StatusCode.ShouldBe(HttpStatusCode.Created);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _node.DisposeAsync();
        _folder.Dispose();
    }

    [Theory]
    [MemberData(nameof(AllKinds))]
    public async Task An_address_that_was_signed_is_good_for_whoever_has_it(string kind)
    {
        var (status, json) = await SignAsync("boss", $$"""{"policy": "{{kind}}", "path": "/cache/{{kind}}/other", "validFor": "30m"}""");
        status.ShouldBe(HttpStatusCode.OK, json.ToString());
        var url = json.GetProperty("url").GetString()!;
        json.GetProperty("url").GetRawText().ShouldBe($"\"{url}\"", "who copies it out of a terminal gets the address");
        json.GetProperty("expires").GetDateTimeOffset().ShouldBe(TimeProvider.System.GetUtcNow().AddMinutes(30), TimeSpan.FromMinutes(1));
        (await _node.SendAsync(HttpMethod.Get, url[url.IndexOf("/cache/", StringComparison.Ordinal)..], null)).StatusCode.ShouldBe(HttpStatusCode.OK);
        json.TryGetProperty("cookies", out var cookies).ShouldBe(kind == "front");
        if (kind == "front")
            cookies.GetProperty("CloudFront-Key-Pair-Id").GetString().ShouldBe("K1");
    }

    [Theory]
    [MemberData(nameof(AllKinds))]
    public async Task Nobody_signs_for_what_they_may_not_do_themselves(string kind)
    {
        (await StatusAsync("team", kind, "/cache/KIND/team-a")).ShouldBe(HttpStatusCode.OK);
        (await StatusAsync("team", kind, "/cache/KIND/team%2Da")).ShouldBe(HttpStatusCode.OK);
        (await StatusAsync("team", kind, "/cache/KIND/other")).ShouldBe(HttpStatusCode.Forbidden);
        (await StatusAsync("team", kind, "/artifacts/team-a")).ShouldBe(HttpStatusCode.Forbidden);
        (await StatusAsync("team", kind, "/CACHE/KIND/team-a")).ShouldBe(HttpStatusCode.Forbidden, "the reach is about what it can read");
        (await StatusAsync("team", kind, "/elsewhere/team-a")).ShouldBe(HttpStatusCode.Forbidden, "a route of the user's is in nobody's reach");
        foreach (var tricky in (string[])["/cache/KIND/team-a/../other", "/cache/KIND/team-a%2f..%2fother", "/cache/KIND/team-a/%2e%2e/other", "/cache/KIND/team-a/%252e%252e/other", "//cache/KIND/team-a"])
            (await StatusAsync("team", kind, tricky)).ShouldBeOneOf(HttpStatusCode.Forbidden, HttpStatusCode.BadRequest);

        (await StatusAsync("reader", kind, "/cache/KIND/other")).ShouldBe(HttpStatusCode.OK);
        (await StatusAsync("clerk", kind, "/cache/KIND/other")).ShouldBe(HttpStatusCode.Forbidden);
        (await StatusAsync("ci", kind, "/cache/KIND/other")).ShouldBe(HttpStatusCode.Forbidden, "it is a call of admins");
        (await StatusAsync(null, kind, "/cache/KIND/other")).ShouldBe(HttpStatusCode.Unauthorized);
        (await StatusAsync("wrong", kind, "/cache/KIND/other")).ShouldBe(HttpStatusCode.Unauthorized);
    }

    [Fact]
    public async Task What_is_signed_for_a_folder_is_within_reach_as_a_whole()
    {
        foreach (var kind in (string[])["own", "front"])
        {
            (await StatusAsync("team", kind, "/cache/KIND/folder/a", """, "under": "/cache/KIND/folder/" """)).ShouldBe(HttpStatusCode.OK);
            (await StatusAsync("team", kind, "/cache/KIND/folder/a", """, "under": "/cache/KIND/" """)).ShouldBe(HttpStatusCode.Forbidden);
            (await StatusAsync("team", kind, "/cache/KIND/folder/a", """, "under": "/cache/" """)).ShouldBe(HttpStatusCode.Forbidden);
            (await StatusAsync("team", kind, "/cache/KIND/folder/a", """, "under": "/" """)).ShouldBe(HttpStatusCode.Forbidden);
        }
        foreach (var wild in (string[])["/cache/KIND/team-*", "/cache/KIND/team-a?x=1"])
            (await StatusAsync("team", "front", wild, """, "client": "192.0.2.0/24" """)).ShouldBe(HttpStatusCode.BadRequest, "both stand for other characters in a policy");
        (await StatusAsync("team", "front", "/cache/KIND/team-*")).ShouldBe(HttpStatusCode.BadRequest, "the same policy would be a custom one for whoever sends it as such");
    }

    [Fact]
    public async Task Methods_are_those_of_the_scopes_and_the_time_is_no_longer_than_that_of_the_credentials()
    {
        (await StatusAsync("team", "own", "/cache/KIND/team-new", """, "methods": ["PUT"] """)).ShouldBe(HttpStatusCode.OK);
        (await StatusAsync("reader", "own", "/cache/KIND/team-new", """, "methods": ["PUT"] """)).ShouldBe(HttpStatusCode.Forbidden);
        (await StatusAsync("guest", "own", "/cache/KIND/other", """, "validFor": "30m" """)).ShouldBe(HttpStatusCode.OK);
        (await StatusAsync("guest", "own", "/cache/KIND/other", """, "validFor": "2h" """)).ShouldBe(HttpStatusCode.BadRequest);
    }

    [Theory]
    [InlineData("""{"policy": "none", "path": "/a"}""")]
    [InlineData("""{"path": "/a"}""")]
    [InlineData("""{"policy": "own"}""")]
    [InlineData("""{"policy": "own", "path": "/a", "validfor": "1h"}""")]
    [InlineData("""{"policy": "own", "path": "/a", "validFor": "soon"}""")]
    [InlineData("""{"policy": "own", "path": "/a", "methods": ["BREW"]}""")]
    [InlineData("""{"policy": "own", "path": "/a", "client": "me"}""")]
    [InlineData("""{"policy": "flare", "path": "/a", "under": "/"}""")]
    [InlineData("""{"policy": "flare", "path": "/a", "validFor": "4h"}""")]
    [InlineData("""{"policy": "front", "path": "/a", "methods": ["PUT"]}""")]
    [InlineData("[]")]
    [InlineData("")]
    public async Task A_call_that_is_not_clear_signs_nothing_and_says_why(string call)
    {
        var (status, json) = await SignAsync("boss", call);
        status.ShouldBe(HttpStatusCode.BadRequest);
        json.GetProperty("detail").GetString()!.ShouldStartWith("Nothing was signed: ");
        json.ToString().ShouldNotContain(Secret);
    }

    private async Task<HttpStatusCode> StatusAsync(string? token, string kind, string path, string more = "") =>
        (await SignAsync(token, $$"""{"policy": "{{kind}}", "path": "{{path}}" {{more}}}""".Replace("KIND", kind, StringComparison.Ordinal))).Status;

    private async Task<(HttpStatusCode Status, JsonElement Json)> SignAsync(string? token, string call)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/admin/sign") { Content = new StringContent(call, Encoding.UTF8, "application/json") };
        _node.Node.Client.DefaultRequestHeaders.Authorization = null;
        request.Headers.Authorization = token is null ? null : TokenNode.Bearer(token);
        using var answer = await _node.Node.Client.SendAsync(request);
        return (answer.StatusCode, JsonDocument.Parse(await answer.Content.ReadAsStringAsync()).RootElement);
    }
}
