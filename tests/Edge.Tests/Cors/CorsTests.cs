using System.Net;
using EdgeCache.Edge.Tests.Signing;

namespace EdgeCache.Edge.Tests.Cors;

public sealed class CorsTests
{
    private static readonly (string, string)[] Settings =
    [
        ("Cors:web:Origins", "https://app.example.com,https://*.pages.example.com"),
        ("Cors:web:Methods", "GET,HEAD,PUT"),
        ("Cors:web:Credentials", "true"),
        ("Cors:anyone:Origins", "*"),
        ("Namespaces:artifacts:Cors", "web"),
        ("Namespaces:open:Cors", "anyone"),
        ("Namespaces:closed:Replaceable", "true"),
    ];

    [Theory]
    [InlineData("https://app.example.com", true)]
    [InlineData("https://a.pages.example.com", true)]
    [InlineData("https://a.b.pages.example.com", true)]
    [InlineData("https://pages.example.com", false)]
    [InlineData("http://app.example.com", false)]
    [InlineData("https://app.example.com:444", false)]
    [InlineData("https://app.example.com.evil.net", false)]
    [InlineData("https://evilpages.example.com", false)]
    [InlineData("null", false)]
    public async Task A_page_may_read_when_its_origin_is_one_of_the_policy(string origin, bool allowed)
    {
        await using var node = await TestNode.StartAsync(Settings);
        await node.PutAsync("/artifacts/a", [1]);
        using var answer = await node.GetAsync("/artifacts/a", ("Origin", origin));
        answer.StatusCode.ShouldBe(HttpStatusCode.OK);
        Field(answer, "Access-Control-Allow-Origin").ShouldBe(allowed ? origin : null);
        Field(answer, "Access-Control-Allow-Credentials").ShouldBe(allowed ? "true" : null);
        (Field(answer, "Access-Control-Expose-Headers")?.Contains("Repr-Digest", StringComparison.Ordinal) ?? false).ShouldBe(allowed);
        Field(answer, "Vary").ShouldBe("Accept-Encoding,Origin");
    }

    [Fact]
    public async Task What_depends_on_the_origin_says_so_also_to_who_sends_none()
    {
        await using var node = await TestNode.StartAsync(Settings);
        await node.PutAsync("/artifacts/a", [1]);
        Field(await node.GetAsync("/artifacts/a"), "Vary").ShouldBe("Accept-Encoding,Origin");
        Field(await node.GetAsync("/artifacts/missing"), "Vary").ShouldBe("Origin");
        Field(await node.GetAsync("/cache/open/missing"), "Vary").ShouldBeNull();
        Field(await node.GetAsync("/cache/closed/missing", ("Origin", "https://app.example.com")), "Vary").ShouldBeNull();
    }

    [Theory]
    [InlineData("/artifacts/a")]
    [InlineData("/artifacts/never..stored")]
    public async Task A_preflight_is_answered_before_anybody_asks_for_a_token(string path)
    {
        await using var node = await TestNode.StartAsync(Settings);
        node.Client.DefaultRequestHeaders.Authorization = null;
        using var answer = await node.SendAsync(HttpMethod.Options, path, ("Origin", "https://app.example.com"), ("Access-Control-Request-Method", "PUT"), ("Access-Control-Request-Headers", "range"));
        answer.StatusCode.ShouldBe(HttpStatusCode.NoContent);
        Field(answer, "Access-Control-Allow-Origin").ShouldBe("https://app.example.com");
        Field(answer, "Access-Control-Allow-Methods").ShouldBe("GET,HEAD,PUT");
        Field(answer, "Access-Control-Allow-Headers").ShouldBe("Range,If-Range,If-None-Match");
        Field(answer, "Access-Control-Max-Age").ShouldBe("600");

        // What is denied says so to the page, which would otherwise learn nothing but that something failed.
        using var denied = await node.GetAsync(path, ("Origin", "https://app.example.com"));
        denied.StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
        Field(denied, "Access-Control-Allow-Origin").ShouldBe("https://app.example.com");
    }

    [Fact]
    public async Task A_page_uses_signed_addresses_and_sees_why_one_is_refused()
    {
        const string Origin = "https://app.example.com";
        await using var node = await TestNode.StartAsync([.. Settings, ("SignedUrls:own:Keys:k1:Secret", "0123456789abcdef0123456789abcdef"), ("Namespaces:artifacts:SignedUrl", "own")]);
        await node.PutAsync("/artifacts/a", [1]);
        node.Client.DefaultRequestHeaders.Authorization = null;
        var url = SignedUrlHttpTests.Sign(node, "/artifacts/a");
        foreach (var (address, status) in ((string, HttpStatusCode)[])[(url, HttpStatusCode.OK), (url + "x", HttpStatusCode.Forbidden)])
        {
            using var preflight = await node.SendAsync(HttpMethod.Options, address, ("Origin", Origin), ("Access-Control-Request-Method", "GET"), ("Access-Control-Request-Headers", "range"));
            preflight.StatusCode.ShouldBe(HttpStatusCode.NoContent, "what is denied afterwards has its preflight all the same");
            Field(preflight, "Access-Control-Allow-Origin").ShouldBe(Origin);
            using var answer = await node.GetAsync(address, ("Origin", Origin));
            answer.StatusCode.ShouldBe(status);
            Field(answer, "Access-Control-Allow-Origin").ShouldBe(Origin);
            Field(answer, "Vary")!.ShouldContain("Origin");
        }
    }

    [Fact]
    public async Task A_preflight_that_is_not_allowed_gets_an_answer_without_leave()
    {
        await using var node = await TestNode.StartAsync(Settings);
        foreach (var (path, origin, method) in ((string, string, string)[])[("/artifacts/a", "https://evil.net", "GET"), ("/cache/closed/a", "https://app.example.com", "GET"), ("/admin/purge", "https://app.example.com", "POST")])
        {
            using var answer = await node.SendAsync(HttpMethod.Options, path, ("Origin", origin), ("Access-Control-Request-Method", method));
            Field(answer, "Access-Control-Allow-Origin").ShouldBeNull();
        }
        using var wrongMethod = await node.SendAsync(HttpMethod.Options, "/artifacts/a", ("Origin", "https://app.example.com"), ("Access-Control-Request-Method", "DELETE"));
        Field(wrongMethod, "Access-Control-Allow-Methods")?.ShouldNotContain("DELETE");
    }

    [Fact]
    public async Task A_route_of_the_users_own_has_a_policy_by_its_name()
    {
        await using var node = await TestNode.StartAsync(
        [
            .. Settings,
            ("ReverseProxy:Routes:mine:ClusterId", "c"),
            ("ReverseProxy:Routes:mine:Match:Path", "/mine/{**x}"),
            ("ReverseProxy:Routes:mine:CorsPolicy", "anyone"),
            ("ReverseProxy:Clusters:c:Destinations:d:Address", "http://127.0.0.1:1/"),
        ]);
        using var answer = await node.SendAsync(HttpMethod.Options, "/mine/a", ("Origin", "https://x.net"), ("Access-Control-Request-Method", "GET"));
        answer.StatusCode.ShouldBe(HttpStatusCode.NoContent);
        Field(answer, "Access-Control-Allow-Origin").ShouldBe("*");
        using var failed = await node.GetAsync("/mine/a", ("Origin", "https://x.net"));
        failed.StatusCode.ShouldBe(HttpStatusCode.BadGateway);
        Field(failed, "Access-Control-Allow-Origin").ShouldBe("*");
    }

    [Fact]
    public async Task Policies_that_could_not_work_or_are_not_there_are_errors()
    {
        using var machine = new EdgeCache.Edge.Tests.Configuration.ConfigurationFixture();
        machine.WriteConfig(
            """
            {"EdgeCache": {
              "Cors": {"none": {}, "bad": {"Origins": ["app.example.com", "https://a.net/path", "https://*", "https://a*.net"]}, "wide": {"Origins": ["*"], "Credentials": true}},
              "Namespaces": {"artifacts": {"Cors": "wid", "TagFields": ["Tags"], "CdnFields": ["X"]}}},
             "ReverseProxy": {"Routes": {"mine": {"ClusterId": "c", "Match": {"Path": "/x"}, "CorsPolicy": "nobody"}}, "Clusters": {"c": {"Destinations": {"d": {"Address": "http://127.0.0.1:1"}}}}}}
            """);
        var errors = string.Join('\n', await machine.LoadBadAsync());
        errors.ShouldContain("EdgeCache:Cors:none:Origins");
        foreach (var origin in (string[])["app.example.com", "https://a.net/path", "https://*", "https://a*.net"])
            errors.ShouldContain($"\"{origin}\" must be an origin");
        errors.ShouldContain("EdgeCache:Cors:wide:Credentials");
        errors.ShouldContain("EdgeCache:Namespaces:artifacts:Cors = \"wid\"");
        errors.ShouldContain("\"Tags\" must be");
        errors.ShouldContain("\"X\" must be");
        errors.ShouldContain("ReverseProxy:Routes:mine");
    }

    private static string? Field(HttpResponseMessage answer, string name) => answer.Headers.TryGetValues(name, out var values) ? string.Join(",", values) : null;
}
