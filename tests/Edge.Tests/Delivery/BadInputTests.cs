using System.Net;

namespace EdgeCache.Edge.Tests.Delivery;

/// <summary>Bad input gets a clear 4xx, changes nothing, and leaves the node alive. Sent as raw bytes: no client library would send most of it.</summary>
public sealed class BadInputTests(BadInputTests.Node shared) : IClassFixture<BadInputTests.Node>, IAsyncDisposable
{
    private readonly TestNode _node = shared.Value;

    public async ValueTask DisposeAsync()
    {
        // Whatever the test did, the node serves on, and nothing was stored by it.
        using var alive = await _node.GetAsync("/health");
        alive.StatusCode.ShouldBe(HttpStatusCode.OK);
        (await alive.Content.ReadAsStringAsync()).ShouldContain("\"blobs\":0");
    }

    [Theory]
    [InlineData("/artifacts/..", 404)]
    [InlineData("/artifacts/%2e%2e", 404)]
    [InlineData("/artifacts/../secret", 404)]
    [InlineData("/artifacts/%2e%2e%2fsecret", 400)]
    [InlineData("/artifacts/..%2f..%2fetc%2fpasswd", 400)]
    [InlineData("/artifacts/a%2Fb", 400)]
    [InlineData("/artifacts/a%5Cb", 400)]
    [InlineData("/artifacts/a\\b", 400)]
    [InlineData("/artifacts/%00", 400)]
    [InlineData("/artifacts/a%00b", 400)]
    [InlineData("/artifacts/a%0d%0ab", 400)]
    [InlineData("/artifacts/a%20b", 400)]
    [InlineData("/artifacts/%C3%A9", 400)]
    [InlineData("/artifacts/%ff%fe", 400)]
    [InlineData("/artifacts/%", 400)]
    [InlineData("/artifacts/%zz", 400)]
    [InlineData("/artifacts/", 400)]
    [InlineData("/artifacts", 400)]
    [InlineData("/artifacts//k", 400)]
    [InlineData("/artifacts/a/b", 400)]
    [InlineData("/artifacts/.", 400)]
    [InlineData("/cache/", 404)]
    [InlineData("/cache/UPPER/k", 404)]
    [InlineData("/nowhere", 404)]
    public async Task A_bad_path(string path, int status)
    {
        foreach (var method in new[] { "GET", "HEAD", "PUT", "DELETE" })
        {
            var answer = await _node.SendRawAsync(Request(method, path, "Content-Length: 0"));
            Status(answer).ShouldBe(status, $"{method} {path}: {answer}");
        }
    }

    [Theory]
    [InlineData(512, 404)]
    [InlineData(513, 400)]
    [InlineData(600, 400)]
    [InlineData(7000, 400)]
    public async Task A_long_key(int length, int status) =>
        Status(await _node.SendRawAsync(Request("GET", "/artifacts/" + new string('a', length)))).ShouldBe(status);

    [Theory]
    [InlineData("POST")]
    [InlineData("PATCH")]
    [InlineData("TRACE")]
    [InlineData("PROPFIND")]
    public async Task A_method_that_is_not_served_says_which_are(string method)
    {
        var answer = await _node.SendRawAsync(Request(method, "/artifacts/k", "Content-Length: 0"));
        Status(answer).ShouldBe(405);
        answer.ShouldContain("Allow: GET, HEAD, PUT, DELETE, PURGE, OPTIONS");
    }

    [Theory]
    [InlineData(400, "Content-Length: 5", "Content-Length: 6")]
    [InlineData(400, "Content-Length: 5", "Transfer-Encoding: chunked")]
    [InlineData(400, "Content-Length: -1")]
    [InlineData(400, "Content-Length: five")]
    [InlineData(400, "Content-Length: 5", "Content-Range: bytes 0-4/10")]
    [InlineData(415, "Content-Length: 5", "Content-Encoding: br")]
    [InlineData(400, "Content-Length: 5", "Content-Type: a/b", "Content-Type: c/d")]
    [InlineData(400, "Content-Length: 5", "Content-Type: caf\u00e9/x")]
    [InlineData(400, "Content-Length: 5", "Repr-Digest: sha-256=abc")]
    [InlineData(400, "Content-Length: 5", "Repr-Digest: sha-256=:YWJj:")]
    [InlineData(400, "Content-Length: 5", "Repr-Digest: sha-256=:!!!!:")]
    [InlineData(400, "Content-Length: 5", "Repr-Digest: rubbish")]
    [InlineData(400, "Content-Length: 5", "Repr-Digest: sha-256=:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=:")]
    [InlineData(400, "Content-Length: 5", "If-Match: rubbish")]
    [InlineData(401, "Content-Length: 5", "Authorization: Bearer again")]
    public async Task A_bad_header_of_a_PUT(int status, params string[] headers) =>
        Status(await _node.SendRawAsync(Request("PUT", "/artifacts/k", headers) + "hello")).ShouldBe(status);

    [Theory]
    [InlineData("Range: bytes=5-4")]
    [InlineData("Range: bytes=x")]
    [InlineData("Range: bytes=0-1", "Range: bytes=2-3")]
    [InlineData("If-None-Match: rubbish")]
    public async Task A_bad_header_of_a_GET_of_nothing_is_a_miss_all_the_same(params string[] headers) =>
        Status(await _node.SendRawAsync(Request("GET", "/artifacts/k", headers))).ShouldBe(404);

    [Theory]
    [InlineData("Host: evil.example", 421)]
    [InlineData("Host: 127.0.0.1.evil.example", 421)]
    [InlineData("Host: 169.254.169.254", 421)]
    [InlineData("Host: localhost:1", 404)]
    [InlineData("Host: [::1]", 404)]
    [InlineData("Host: a b", 400)]
    [InlineData("X: no host", 400)]
    public async Task A_foreign_host(string host, int status) =>
        Status(await _node.SendRawAsync($"GET /artifacts/k HTTP/1.1\r\n{host}\r\nAuthorization: Bearer {TestNode.Token}\r\n\r\n")).ShouldBe(status);

    [Fact]
    public async Task A_body_that_is_cut_midway_publishes_nothing()
    {
        await _node.SendRawAsync(Request("PUT", "/artifacts/cut", "Content-Length: 1000000") + new string('x', 400_000), closeAfterSending: true);
        await _node.SendRawAsync(Request("PUT", "/artifacts/cut", "Transfer-Encoding: chunked") + "5\r\nhello\r\n", closeAfterSending: true);
        (await _node.GetAsync("/artifacts/cut")).StatusCode.ShouldBe(HttpStatusCode.NotFound);
    }

    [Theory]
    [InlineData("zz\r\nhello\r\n0\r\n\r\n")]
    [InlineData("-5\r\nhello\r\n0\r\n\r\n")]
    [InlineData("ffffffffffffffffff\r\nhello\r\n0\r\n\r\n")]
    [InlineData("5\r\nhelloworld\r\n0\r\n\r\n")]
    public async Task Chunks_that_lie_are_refused(string chunks) =>
        Status(await _node.SendRawAsync(Request("PUT", "/artifacts/chunks", "Transfer-Encoding: chunked") + chunks)).ShouldBe(400);

    [Fact]
    public async Task A_body_that_trickles_is_given_up() =>
        Status(await _node.SendRawAsync(Request("PUT", "/artifacts/slow", "Content-Length: 1000000") + "x")).ShouldBe(408);

    [Fact]
    public async Task Without_the_token_the_body_is_never_asked_for()
    {
        var answer = await _node.SendRawAsync("PUT /artifacts/k HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\nExpect: 100-continue\r\n\r\n");
        answer.ShouldStartWith("HTTP/1.1 401 ");
    }

    public sealed class Node : IAsyncLifetime
    {
        internal TestNode Value { get; private set; } = null!;

        public async ValueTask InitializeAsync() => Value = await TestNode.StartAsync(("Limits:BodyGracePeriod", "2s"));

        public ValueTask DisposeAsync() => Value.DisposeAsync();
    }

    private static string Request(string method, string path, params string[] headers) =>
        $"{method} {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TestNode.Token}\r\n{string.Concat(headers.Select(h => h + "\r\n"))}\r\n";

    private static int Status(string answer) => answer.StartsWith("HTTP/1.1 ", StringComparison.Ordinal) ? int.Parse(answer.AsSpan(9, 3)) : 0;
}
