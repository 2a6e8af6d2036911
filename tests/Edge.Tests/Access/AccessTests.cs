using System.Net;
using System.Text;
using EdgeCache.Edge.Access;
using EdgeCache.Edge.Configuration;

namespace EdgeCache.Edge.Tests.Access;

public sealed class AccessTests
{
    [Theory]
    [InlineData("Bearer secret", true)]
    [InlineData("bearer secret", true)]
    [InlineData("Bearer  secret ", true)]
    [InlineData("Basic :secret", true)]
    [InlineData("Basic user:secret", true)]
    [InlineData("Basic user:sec:ret", false)]
    [InlineData("Basic secret", false)]
    [InlineData("Bearer Secret", false)]
    [InlineData("Bearer secre", false)]
    [InlineData("Bearer secrets", false)]
    [InlineData("Bearer", false)]
    [InlineData("Bearer ", false)]
    [InlineData("secret", false)]
    [InlineData("Digest secret", false)]
    [InlineData("", false)]
    public void Only_the_token_opens(string credentials, bool opens)
    {
        if (credentials.StartsWith("Basic ", StringComparison.Ordinal))
            credentials = "Basic " + Convert.ToBase64String(Encoding.UTF8.GetBytes(credentials[6..]));
        var reader = ReaderOf(new LiveSettings(new EdgeSettings(new EdgeCacheOptions(), "secret")));
        (reader.Find(credentials) is not null).ShouldBe(opens);
    }

    [Fact]
    public void Missing_repeated_and_endless_credentials_do_not_open()
    {
        var reader = ReaderOf(new LiveSettings(new EdgeSettings(new EdgeCacheOptions(), "secret")));
        reader.Find(default).ShouldBeNull();
        reader.Find(new(["Bearer secret", "Bearer secret"])).ShouldBeNull();
        reader.Find("Bearer " + new string('x', 100_000)).ShouldBeNull();
        reader.Find("Basic not/base64!").ShouldBeNull();
    }

    [Fact]
    public void A_new_token_counts_at_once_and_the_old_one_no_more()
    {
        var settings = new LiveSettings(new EdgeSettings(new EdgeCacheOptions(), "old"));
        var reader = ReaderOf(settings);
        reader.Find("Bearer old").ShouldNotBeNull();
        settings.Publish(new EdgeSettings(new EdgeCacheOptions(), "new"));
        reader.Find("Bearer old").ShouldBeNull();
        reader.Find("Bearer new").ShouldNotBeNull();
    }

    [Theory]
    [InlineData("GET")]
    [InlineData("HEAD")]
    [InlineData("PUT")]
    [InlineData("DELETE")]
    [InlineData("POST")]
    public async Task Every_method_on_a_blob_needs_the_token_and_a_preflight_does_not(string method)
    {
        await using var node = await TestNode.StartAsync();
        node.Client.DefaultRequestHeaders.Authorization = null;
        using var answer = await node.SendAsync(new HttpMethod(method), "/artifacts/k");
        answer.StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
        answer.Headers.WwwAuthenticate.Select(c => c.Scheme).ShouldBe(["Bearer", "Basic"]);
        using var preflight = await node.SendAsync(HttpMethod.Options, "/artifacts/k");
        preflight.StatusCode.ShouldBe(HttpStatusCode.NoContent);
        preflight.Content.Headers.Allow.ShouldContain("PUT");
    }

    [Theory]
    [InlineData("127.0.0.1", "", "localhost", true)]
    [InlineData("127.0.0.1", "", "127.0.0.1", true)]
    [InlineData("127.0.0.1", "", "[::1]", true)]
    [InlineData("127.0.0.1", "", "cache.example.com", false)]
    [InlineData("localhost", "", "cache.example.com", false)]
    [InlineData("127.0.0.1", "cache.example.com", "Cache.Example.Com", true)]
    [InlineData("127.0.0.1", "*.example.com", "a.example.com", true)]
    [InlineData("127.0.0.1", "*.example.com", "example.com", false)]
    [InlineData("127.0.0.1", "*.example.com", "evilexample.com", false)]
    [InlineData("0.0.0.0", "", "anything.example", true)]
    [InlineData("0.0.0.0", "cache.example.com", "anything.example", false)]
    [InlineData("0.0.0.0", "cache.example.com", "cache.example.com", true)]
    public void A_host_name_is_checked_against_what_the_node_is_known_by(string listen, string allowed, string host, bool passes)
    {
        var options = new EdgeCacheOptions { Listen = { Host = listen }, Access = { AllowedHosts = allowed.Length == 0 ? [] : [allowed] } };
        HostFilterMiddleware.IsAllowed(options, IPAddress.Loopback, host).ShouldBe(passes);
    }

    private static TokenReader ReaderOf(LiveSettings settings) => new(new TokenDirectory(settings, new TokenListHolder(TokenList.Absent)), TimeProvider.System);
}
