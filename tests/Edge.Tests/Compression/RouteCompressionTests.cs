using System.Net;
using EdgeCache.Edge.Tests.Configuration;
using EdgeCache.Edge.Tests.Origins;
using EdgeCache.TestKit;

namespace EdgeCache.Edge.Tests.Compression;

/// <summary>A route of the user's own that asks for compression, before a server that does none.</summary>
public sealed class RouteCompressionTests
{
    private static readonly byte[] Page = Contents.Text(200_000);

    [Theory]
    [InlineData("gzip", "gzip")]
    [InlineData("zstd, gzip", "zstd")]
    [InlineData("gzip;q=0, zstd;q=0.5", "zstd")]
    [InlineData("lz4", "lz4")]
    [InlineData("identity, gzip;q=0.5", null)]
    [InlineData("br", null)]
    [InlineData(null, null)]
    public async Task Its_responses_come_in_the_coding_that_the_client_asks_for(string? accept, string? expected)
    {
        await using var server = new ScriptedOrigin(Answer("Content-Type: text/html", "ETag: \"v1\"", "Accept-Ranges: bytes", "Repr-Digest: sha-256=:AAAA:"));
        await using var node = await StartAsync(server);
        using var got = await GetAsync(node, accept);
        got.StatusCode.ShouldBe(HttpStatusCode.OK);
        Coder.Decode(expected ?? "identity", await got.Content.ReadAsByteArrayAsync()).ShouldBe(Page);
        got.Content.Headers.ContentEncoding.ShouldBe(expected is null ? [] : [expected]);
        got.Headers.ETag!.ToString().ShouldBe(expected is null ? "\"v1\"" : "W/\"v1\"");
        got.Headers.Contains("Repr-Digest").ShouldBe(expected is null);
        if (expected is not null)
            got.Headers.Vary.ShouldBe(["Accept-Encoding"]);
    }

    [Theory]
    [InlineData("Content-Type: image/png")]
    [InlineData("Content-Type: text/html", "Cache-Control: private, no-transform")]
    [InlineData("Content-Type: text/html", "Content-Encoding: br")]
    public async Task What_must_not_be_changed_or_is_compressed_already_stays_as_it_is(params string[] fields)
    {
        await using var server = new ScriptedOrigin(Answer(fields));
        await using var node = await StartAsync(server);
        using var got = await GetAsync(node, "gzip, zstd");
        (await got.Content.ReadAsByteArrayAsync()).ShouldBe(Page);
        got.Content.Headers.ContentLength.ShouldBe(Page.Length);
    }

    [Fact]
    public async Task A_route_that_does_not_ask_for_it_is_left_alone()
    {
        await using var server = new ScriptedOrigin(Answer("Content-Type: text/html"));
        await using var node = await StartAsync(server, asked: false);
        using var got = await GetAsync(node, "gzip");
        (await got.Content.ReadAsByteArrayAsync()).ShouldBe(Page);
    }

    [Fact]
    public async Task A_response_that_breaks_off_gives_its_encoder_back_and_does_not_end_well()
    {
        var broken = new Step(ScriptedOrigin.Ok(Page.Length, "Content-Type: text/html"), Page.AsMemory(0, 100_000), Then.Close);
        await using var server = new ScriptedOrigin([.. Enumerable.Repeat(broken, 40), Answer("Content-Type: text/html")]);
        await using var node = await StartAsync(server);
        for (var i = 0; i < 40; i++)
            await Should.ThrowAsync<HttpRequestException>(() => GetAsync(node, "lz4"));
        using var got = await GetAsync(node, "lz4");
        got.Content.Headers.ContentEncoding.ShouldBe(["lz4"]);
    }

    [Theory]
    [InlineData("fast")]
    [InlineData("Auto")]
    [InlineData("")]
    public async Task A_value_that_is_none_stops_the_start_and_names_the_route(string value)
    {
        using var machine = new ConfigurationFixture();
        machine.WriteConfig($$$"""
            {"ReverseProxy": {
              "Routes": {"docs": {"ClusterId": "c", "Match": {"Path": "/docs/{**rest}"}, "Transforms": [{"EdgeCache.Compression": "{{{value}}}"}]}},
              "Clusters": {"c": {"Destinations": {"one": {"Address": "http://127.0.0.1:1/"} } } }
            }}
            """);
        (await machine.LoadBadAsync()).ShouldHaveSingleItem().ShouldBe($"ReverseProxy:Routes:docs: The transform EdgeCache.Compression = \"{value}\" must be auto.");
    }

    private static Step Answer(params string[] fields) => new(ScriptedOrigin.Ok(Page.Length, fields), Page);

    private static Task<HttpResponseMessage> GetAsync(TestNode node, string? accept) => node.GetAsync("/docs/page", accept is null ? [] : [("Accept-Encoding", accept)]);

    private static Task<TestNode> StartAsync(ScriptedOrigin server, bool asked = true)
    {
        List<(string, string)> settings =
        [
            ("ReverseProxy:Routes:docs:ClusterId", "c"),
            ("ReverseProxy:Routes:docs:Match:Path", "/docs/{**rest}"),
            ("ReverseProxy:Clusters:c:Destinations:one:Address", server.Address.ToString()),
        ];
        if (asked)
            settings.Add(("ReverseProxy:Routes:docs:Transforms:0:EdgeCache.Compression", "auto"));
        return TestNode.StartAsync([.. settings]);
    }
}
