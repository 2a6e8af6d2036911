using System.Net;
using System.Text;
using EdgeCache.Edge.Tests.Access;
using EdgeCache.Edge.Tests.Configuration;

namespace EdgeCache.Edge.Tests.Admin;

public sealed class AdminRoutesTests
{
    private const string Path = "/admin/reputation";

    [Fact]
    public async Task Only_a_token_for_it_may_call_whatever_else_the_node_lets_anybody_do()
    {
        await using var node = await TokenNode.StartAsync([TokenNode.Token("boss", "admin"), TokenNode.Token("ci", "read", "write", "delete", "purge")], ("Access:AnonymousRead", "true"));
        (await StatusAsync(node.Node, null)).ShouldBe(HttpStatusCode.Unauthorized);
        (await StatusAsync(node.Node, "wrong-secret")).ShouldBe(HttpStatusCode.Unauthorized);
        (await StatusAsync(node.Node, "ci-secret")).ShouldBe(HttpStatusCode.Forbidden);
        (await StatusAsync(node.Node, "boss-secret")).ShouldBe(HttpStatusCode.OK);
        (await StatusAsync(node.Node, TestNode.Token)).ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task On_a_node_without_tokens_nobody_may()
    {
        using var machine = new ConfigurationFixture();
        machine.Flag("--port", "EdgeCache:Listen:Port", "0");
        machine.Flag("--storage", "EdgeCache:Storage:Path", "store");
        machine.Environment["Logging__LogLevel__Default"] = "None";
        await using var node = await EdgeNode.StartAsync(await machine.LoadGoodAsync(), CancellationToken.None);
        using var client = new HttpClient { BaseAddress = new Uri(node.Urls[0]) };
        (await client.GetAsync(Path, TestContext.Current.CancellationToken)).StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
        client.DefaultRequestHeaders.Authorization = new("Bearer", "anything");
        (await client.GetAsync(Path, TestContext.Current.CancellationToken)).StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
        (await client.GetAsync("/artifacts/a", TestContext.Current.CancellationToken)).StatusCode.ShouldBe(HttpStatusCode.NotFound);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("text/plain")]
    [InlineData("application/x-www-form-urlencoded")]
    [InlineData("multipart/form-data")]
    public async Task A_change_with_what_a_page_could_send_unasked_is_refused(string? type)
    {
        await using var node = await TestNode.StartAsync();
        using var answer = await DeleteAsync(node, type);
        answer.StatusCode.ShouldBe(HttpStatusCode.UnsupportedMediaType);
        using var good = await DeleteAsync(node, "application/json; charset=utf-8");
        good.StatusCode.ShouldBe(HttpStatusCode.NoContent);
    }

    [Fact]
    public async Task A_call_is_never_forwarded()
    {
        await using var node = await TestNode.StartAsync(
            ("ReverseProxy:Routes:all:ClusterId", "all"), ("ReverseProxy:Routes:all:Match:Path", "/{**rest}"), ("ReverseProxy:Clusters:all:Destinations:one:Address", "http://127.0.0.1:1"));
        (await node.GetAsync(Path)).StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    private static Task<HttpResponseMessage> DeleteAsync(TestNode node, string? type)
    {
        var request = new HttpRequestMessage(HttpMethod.Delete, Path);
        if (type is not null)
        {
            request.Content = new ByteArrayContent(Encoding.UTF8.GetBytes("{}"));
            request.Content.Headers.TryAddWithoutValidation("Content-Type", type);
        }
        return node.Client.SendAsync(request, TestContext.Current.CancellationToken);
    }

    private static async Task<HttpStatusCode> StatusAsync(TestNode node, string? token)
    {
        node.Client.DefaultRequestHeaders.Authorization = token is null ? null : new("Bearer", token);
        using var answer = await node.GetAsync(Path);
        return answer.StatusCode;
    }
}
