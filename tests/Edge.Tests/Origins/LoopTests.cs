using System.Net;
using System.Net.Sockets;
using EdgeCache.TestKit;

namespace EdgeCache.Edge.Tests.Origins;

/// <summary>Nodes in a row, and nodes in a circle.</summary>
public sealed class LoopTests
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(10);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("GET")]
    [InlineData("HEAD")]
    [InlineData("PUT")]
    [InlineData("DELETE")]
    public async Task Two_nodes_that_are_each_others_origin_say_so_at_once(string method)
    {
        var port = FreePort();
        await using var one = await OriginNodes.StartFrontAsync([new Uri($"http://127.0.0.1:{port}")]);
        await using var two = await OriginNodes.StartFrontAsync([one.Client.BaseAddress!], ("Listen:Port", $"{port}"));
        one.Client.Timeout = Soon;

        using var answer = await one.SendAsync(new HttpMethod(method), "/cache/test/k");

        answer.StatusCode.ShouldBe(HttpStatusCode.LoopDetected);
        if (method != "HEAD")
            (await answer.Content.ReadAsStringAsync(Cancel)).ShouldContain("circles");
    }

    [Theory]
    [InlineData("GET")]
    [InlineData("HEAD")]
    [InlineData("PUT")]
    [InlineData("DELETE")]
    public async Task Two_nodes_that_ask_each_other_for_the_same_in_the_same_instant_say_so_too(string method)
    {
        var port = FreePort();
        await using var one = await OriginNodes.StartFrontAsync([new Uri($"http://127.0.0.1:{port}")]);
        await using var two = await OriginNodes.StartFrontAsync([one.Client.BaseAddress!], ("Listen:Port", $"{port}"));
        one.Client.Timeout = Soon;
        two.Client.Timeout = Soon;

        // What crosses is a matter of chance: of so many pairs some do.
        var answers = await Task.WhenAll(Enumerable.Range(0, 100).Select(i => Task.Run(async () =>
        {
            using var answer = await (i % 2 == 0 ? one : two).SendAsync(new HttpMethod(method), $"/cache/test/k{i / 2}");
            return answer.StatusCode;
        })));

        answers.ShouldAllBe(a => a == HttpStatusCode.LoopDetected);
    }

    [Fact]
    public async Task Many_who_come_through_another_node_still_cost_the_origin_one_fetch()
    {
        await using var origin = new ScriptedOrigin(new Step(ScriptedOrigin.Head("404 Not Found", "Content-Length: 0", "Cache-Status: EdgeCache; hit=?0")));
        await using var front = await OriginNodes.StartFrontAsync([origin.Address]);
        await Task.WhenAll(Enumerable.Range(0, 50).Select(i => Task.Run(() => front.GetAsync("/cache/test/same", ("CDN-Loop", $"edgecache; id=node{i}")))));
        origin.Requests.Count.ShouldBeLessThan(3);
    }

    [Fact]
    public async Task Whoever_pretends_to_come_a_long_way_does_not_make_the_origin_look_broken()
    {
        await using var last = await TestNode.StartAsync(OriginNodes.Namespaces);
        await using var front = await OriginNodes.StartFrontAsync([last.Client.BaseAddress!]);
        var chain = string.Join(", ", Enumerable.Range(0, 9).Select(i => $"edgecache; id=n{i}"));
        for (var i = 0; i < 30; i++)
            (await front.GetAsync($"/cache/test/k{i}", ("CDN-Loop", chain))).StatusCode.ShouldBe(HttpStatusCode.LoopDetected);

        using var put = await front.PutAsync("/cache/test/k", [1, 2, 3]);
        put.StatusCode.ShouldBe(HttpStatusCode.Created);
        (await front.Client.GetStringAsync("/health", Cancel)).ShouldContain("\"farFault\":null");
    }

    [Fact]
    public async Task A_chain_of_three_reads_and_writes_through()
    {
        await using var last = await TestNode.StartAsync(OriginNodes.Namespaces);
        await using var middle = await OriginNodes.StartFrontAsync([last.Client.BaseAddress!]);
        await using var first = await OriginNodes.StartFrontAsync([middle.Client.BaseAddress!]);
        var content = Blobs.Bytes(1_000_000);

        using var put = await first.PutAsync("/cache/test/k", content, ("Content-Type", "a/b"));
        put.StatusCode.ShouldBe(HttpStatusCode.Created);
        put.Headers.GetValues("EdgeCache-Stored").ShouldBe(["far"]);

        (await last.Client.GetByteArrayAsync("/cache/test/k", Cancel)).ShouldBe(content);
        using var got = await first.GetAsync("/cache/test/k", ("Range", "bytes=500000-"));
        got.StatusCode.ShouldBe(HttpStatusCode.PartialContent);
        got.Content.Headers.ContentType!.MediaType.ShouldBe("a/b");
        (await got.Content.ReadAsByteArrayAsync(Cancel)).ShouldBe(content[500_000..]);
        (await first.GetAsync("/cache/test/none")).StatusCode.ShouldBe(HttpStatusCode.NotFound);
        (await first.SendAsync(HttpMethod.Delete, "/cache/test/k")).StatusCode.ShouldBe(HttpStatusCode.NoContent);
        (await last.GetAsync("/cache/test/k")).StatusCode.ShouldBe(HttpStatusCode.NotFound);
    }

    [Fact]
    public async Task A_request_tells_all_nodes_that_it_came_through()
    {
        await using var origin = new ScriptedOrigin(new Step(ScriptedOrigin.Head("404 Not Found", "Content-Length: 0", "Cache-Status: EdgeCache; hit=?0")));
        await using var front = await OriginNodes.StartFrontAsync([origin.Address]);

        await front.GetAsync("/cache/test/a");
        await front.GetAsync("/cache/test/b", ("CDN-Loop", "other.example; x=1, edgecache; id=abc"));
        await front.GetAsync("/cache/test/c");

        var fields = origin.Requests.Select(r => r.Split("\r\n").Single(l => l.StartsWith("CDN-Loop: ", StringComparison.Ordinal))[10..]).ToArray();
        fields[0].ShouldStartWith("edgecache; id=");
        fields[1].ShouldBe($"other.example; x=1, edgecache; id=abc, {fields[0]}");
        fields[2].ShouldBe(fields[0]);
    }

    [Fact]
    public async Task A_request_to_an_origin_names_this_node_and_all_proxies_before_it()
    {
        await using var origin = new ScriptedOrigin(new Step(ScriptedOrigin.Head("404 Not Found", "Content-Length: 0", "Cache-Status: EdgeCache; hit=?0")));
        await using var front = await OriginNodes.StartFrontAsync([origin.Address]);

        await front.GetAsync("/cache/test/a");
        await front.GetAsync("/cache/test/b", ("Via", "1.0 fred, 1.1 p.example.net (squid)"));
        await front.PutAsync("/cache/test/c", [1, 2, 3]);

        var fields = ViasOf(origin);
        fields[0].ShouldMatch(@"^1\.1 edgecache-[0-9a-f]{16}$");
        fields[1].ShouldBe($"1.0 fred, 1.1 p.example.net (squid), {fields[0]}");
        fields[2].ShouldBe(fields[0]);
    }

    [Fact]
    public async Task A_circle_is_found_where_something_between_takes_CDN_Loop_away()
    {
        await using var origin = new ScriptedOrigin(new Step(ScriptedOrigin.Head("404 Not Found", "Content-Length: 0", "Cache-Status: EdgeCache; hit=?0")));
        await using var front = await OriginNodes.StartFrontAsync([origin.Address]);
        await front.GetAsync("/cache/test/a");

        using var again = await front.GetAsync("/cache/test/b", ("Via", $"{ViasOf(origin)[0]}, 1.1 varnish"));

        again.StatusCode.ShouldBe(HttpStatusCode.LoopDetected);
        (await again.Content.ReadAsStringAsync(Cancel)).ShouldContain("circles");
        origin.Requests.Count.ShouldBe(1);
    }

    [Fact]
    public async Task A_Via_that_can_not_be_told_on_is_refused()
    {
        await using var origin = new ScriptedOrigin(new Step(ScriptedOrigin.Head("404 Not Found", "Content-Length: 0", "Cache-Status: EdgeCache; hit=?0")));
        await using var front = await OriginNodes.StartFrontAsync([origin.Address]);

        using var answer = await front.GetAsync("/cache/test/k", ("Via", $"1.1 {new string('a', 2100)}"));

        answer.StatusCode.ShouldBe(HttpStatusCode.LoopDetected);
        origin.Requests.ShouldBeEmpty();
    }

    [Theory]
    [InlineData(9, HttpStatusCode.NotFound)]
    [InlineData(10, HttpStatusCode.LoopDetected)]
    public async Task A_chain_may_not_be_too_long(int hops, HttpStatusCode expected)
    {
        await using var node = await TestNode.StartAsync(OriginNodes.Namespaces);
        using var answer = await node.GetAsync("/cache/test/k", ("CDN-Loop", string.Join(", ", Enumerable.Range(0, hops).Select(i => $"edgecache; id=n{i}"))));
        answer.StatusCode.ShouldBe(expected);
    }

    private static string[] ViasOf(ScriptedOrigin origin) => [.. origin.Requests.Select(r => r.Split("\r\n").Single(l => l.StartsWith("Via: ", StringComparison.Ordinal))[5..])];

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
