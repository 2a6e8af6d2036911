using System.Net;
using EdgeCache.Client.Signing;
using EdgeCache.TestKit;

namespace EdgeCache.Edge.Tests.Signing;

/// <summary>Whoever sees a signature can use it: so nobody but the node may.</summary>
public sealed class SignatureTraceTests : IAsyncLifetime
{
    private const string Secret = "0123456789abcdef0123456789abcdef";

    private readonly TestFolder _folder = new();
    private readonly List<string> _heads = [];
    private readonly LogCollector _log = new();
    private LoopbackServer _origin = null!;
    private TestNode _node = null!;

    public async ValueTask InitializeAsync()
    {
        await File.WriteAllTextAsync(_folder.File("key.pem"), Policies.Rsa.ExportPkcs8PrivateKeyPem());
        _origin = new LoopbackServer(async (stream, stop) =>
        {
            var peer = new HttpPeer(stream);
            while (await peer.ReadHeadAsync(stop) is { } head)
            {
                lock (_heads)
                    _heads.Add(head.Text);
                await peer.WriteAsync("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", stop);
            }
        });
        _node = await TestNode.StartAsync(
            _log.AddTo,
            [
                ("SignedUrls:own:Keys:k1:Secret", Secret),
                ("SignedUrls:flare:Kind", "cloudflare"),
                ("SignedUrls:flare:Keys:k1:Secret", Secret),
                ("SignedUrls:front:Kind", "cloudfront"),
                ("SignedUrls:front:PublicUrl", "https://front.example.com"),
                ("SignedUrls:front:Keys:K1:PrivateKeyFile", _folder.File("key.pem")),
                ("Namespaces:artifacts:SignedUrl", "own"),
                .. Route("own"),
                .. Route("flare"),
                .. Route("front"),
                ("ReverseProxy:Routes:plain:ClusterId", "c"),
                ("ReverseProxy:Routes:plain:Match:Path", "/plain/{**x}"),
                ("ReverseProxy:Clusters:c:Destinations:d:Address", $"http://127.0.0.1:{_origin.Port}/"),
            ]);
        _node.Client.DefaultRequestHeaders.Authorization = null;
    }

    public async ValueTask DisposeAsync()
    {
        await _node.DisposeAsync();
        await _origin.DisposeAsync();
        _folder.Dispose();
    }

    [Theory]
    [InlineData("own")]
    [InlineData("flare")]
    [InlineData("front")]
    public async Task Neither_origin_nor_log_sees_a_signature(string policy)
    {
        var url = Signed(policy, $"/{policy}/page?x=1");
        var secret = url[^30..];
        (await _node.GetAsync(url)).StatusCode.ShouldBe(HttpStatusCode.OK);
        (await _node.GetAsync(url, ("Referer", $"https://front.example.com{url}"))).StatusCode.ShouldBe(HttpStatusCode.OK);
        (await _node.GetAsync("/plain/style.css", ("Referer", $"https://front.example.com{url}"))).StatusCode.ShouldBe(HttpStatusCode.OK);
        (await _node.GetAsync(url.Replace("/page", "/pagf", StringComparison.Ordinal))).StatusCode.ShouldBe(HttpStatusCode.Forbidden);
        (await _node.GetAsync($"/artifacts/none?{url.Split('?')[1]}")).StatusCode.ShouldBeOneOf(HttpStatusCode.Forbidden, HttpStatusCode.Unauthorized);

        _heads.Count.ShouldBe(3);
        _heads.ShouldAllBe(h => !h.Contains(secret, StringComparison.Ordinal));
        _heads[0].ShouldStartWith($"GET /{policy}/page?x=1 HTTP/1.1\r\n");
        _heads[1].ShouldContain($"Referer: https://front.example.com/{policy}/page?x=1\r\n");
        _heads[2].ShouldContain($"Referer: https://front.example.com/{policy}/page?x=1\r\n");
        _log.Lines.ShouldNotBeEmpty();
        _log.Lines.ShouldAllBe(l => !l.Contains(secret, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Signed_cookies_go_and_others_stay_whatever_they_look_like()
    {
        var now = _node.Services.Time().GetUtcNow();
        var link = _node.Services.Policy("front").Sign(new SigningRequest("/front/page", SignedMethods.Get, now.AddMinutes(5), Under: "/front/"), now);
        var cookies = link.Cookies.Select(c => $"{(c.Key.EndsWith("Policy", StringComparison.Ordinal) ? c.Key.ToLowerInvariant() : c.Key)}={c.Value}");
        var field = $"a=1; {string.Join("; ", cookies)}; theme=\"dark blue\"; =x; ;broken; b=2=3";
        (await _node.GetAsync("/front/other", ("Cookie", field))).StatusCode.ShouldBe(HttpStatusCode.OK);
        var head = _heads.ShouldHaveSingleItem();
        head.ShouldContain("Cookie: a=1; theme=\"dark blue\"; =x; broken; b=2=3\r\n");
        head.ShouldNotContain("cloudfront", Case.Insensitive);
    }

    /// <summary>An origin that decodes twice, or takes a backslash for a slash, would serve another folder than the one that is signed.</summary>
    [Theory]
    [InlineData("/own/open/..%5cclosed")]
    [InlineData("/own/open/%252e%252e/closed")]
    [InlineData("/own/open/..%252fclosed")]
    [InlineData("/own/open/..%255Cclosed")]
    [InlineData("/own/open/%2e%2e/closed")]
    [InlineData("/own/open/../closed")]
    [InlineData("/own/open/..%2fclosed")]
    public async Task A_signature_for_a_folder_does_not_open_what_an_origin_may_take_for_another(string path)
    {
        var now = _node.Services.Time().GetUtcNow();
        var query = _node.Services.Policy("own").Sign(new SigningRequest("/own/open/a", SignedMethods.Get, now.AddMinutes(5), Under: "/own/open/"), now).Url.Split('?')[1];
        (await _node.SendRawAsync($"GET /own/open/100%25.txt?{query} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")).ShouldStartWith("HTTP/1.1 200");
        (await _node.SendRawAsync($"GET {path}?{query} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")).ShouldStartWith("HTTP/1.1 403");
        _heads.Count.ShouldBe(1);
    }

    [Fact]
    public async Task Every_refusal_looks_the_same_and_the_log_says_which_it_was()
    {
        var now = _node.Services.Time().GetUtcNow();
        var policy = _node.Services.Policy("own");
        var good = policy.Sign(new SigningRequest("/own/a", SignedMethods.Get, now.AddMinutes(5)), now).Url;
        var cases = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["Missing"] = "/own/a",
            ["Malformed"] = good.Replace("ec-expires=", "ec-expired=", StringComparison.Ordinal),
            ["UnknownKey"] = good.Replace("ec-key=k1", "ec-key=k2", StringComparison.Ordinal),
            ["WrongSignature"] = good.Replace("/own/a", "/own/b", StringComparison.Ordinal),
            ["UnclearPath"] = good.Replace("/own/a", "/own/x%2fa", StringComparison.Ordinal),
            ["WrongClient"] = policy.Sign(new SigningRequest("/own/a", SignedMethods.Get, now.AddMinutes(5), Client: "192.0.2.1"), now).Url,
            ["WrongMethod"] = policy.Sign(new SigningRequest("/own/a", SignedMethods.Head, now.AddMinutes(5)), now).Url,
            ["NotYetValid"] = policy.Sign(new SigningRequest("/own/a", SignedMethods.Get, now.AddMinutes(5), now.AddMinutes(4)), now).Url,
            ["Expired"] = policy.Sign(new SigningRequest("/own/a", SignedMethods.Get, now.AddMinutes(-5)), now.AddMinutes(-10)).Url,
        };
        var answers = new List<string>();
        foreach (var (fault, url) in cases)
        {
            using var answer = await _node.GetAsync(url);
            answers.Add($"{(int)answer.StatusCode} {answer.Content.Headers.ContentType} {await answer.Content.ReadAsStringAsync()} {string.Join(',', answer.Headers.Select(h => h.Key).Where(h => h != "Date").Order(StringComparer.Ordinal))}");
            _log.Lines.Count(l => l.Contains($"signed URL policy own: {fault}", StringComparison.Ordinal)).ShouldBe(1, fault);
        }
        answers.Distinct(StringComparer.Ordinal).ShouldHaveSingleItem().ShouldStartWith("403 ");
    }

    private static (string, string)[] Route(string name) =>
    [
        ($"ReverseProxy:Routes:{name}:ClusterId", "c"),
        ($"ReverseProxy:Routes:{name}:Match:Path", $"/{name}/{{**x}}"),
        ($"ReverseProxy:Routes:{name}:Transforms:0:EdgeCache.SignedUrl", name),
    ];

    private string Signed(string policy, string target)
    {
        var url = SignedUrlHttpTests.Sign(_node, target, SignedMethods.Get, policy);
        return url[url.IndexOf($"/{policy}/", StringComparison.Ordinal)..];
    }
}
