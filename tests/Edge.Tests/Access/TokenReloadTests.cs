using System.Net;
using System.Text;
using EdgeCache.Edge.Access;
using EdgeCache.Edge.Configuration;
using EdgeCache.Edge.Tests.Configuration;
using Microsoft.Extensions.Time.Testing;

namespace EdgeCache.Edge.Tests.Access;

public sealed class TokenReloadTests
{
    [Fact]
    public async Task A_revoked_token_ends_on_a_connection_that_knew_it()
    {
        await using var node = await TokenNode.StartAsync([TokenNode.Token("one", "read"), TokenNode.Token("two", "read")]);
        node.Watcher.Check();
        await ShouldAnswerAsync(node, "one", HttpStatusCode.NotFound);
        await ShouldAnswerAsync(node, "one", HttpStatusCode.NotFound);

        node.Replace(TokenNode.Token("two", "read")).ShouldBeTrue();

        await ShouldAnswerAsync(node, "one", HttpStatusCode.Unauthorized);
        await ShouldAnswerAsync(node, "two", HttpStatusCode.NotFound);
    }

    [Fact]
    public async Task A_new_token_and_new_scopes_count_at_once()
    {
        await using var node = await TokenNode.StartAsync([TokenNode.Token("one", "read")]);
        node.Watcher.Check();
        await ShouldAnswerAsync(node, "two", HttpStatusCode.Unauthorized);
        (await node.SendAsync(HttpMethod.Delete, "/artifacts/a", TokenNode.Bearer("one"))).StatusCode.ShouldBe(HttpStatusCode.Forbidden);

        node.Replace(TokenNode.Token("one", "read", "delete"), TokenNode.Token("two", "read")).ShouldBeTrue();

        await ShouldAnswerAsync(node, "two", HttpStatusCode.NotFound);
        (await node.SendAsync(HttpMethod.Delete, "/artifacts/a", TokenNode.Bearer("one"))).StatusCode.ShouldBe(HttpStatusCode.NotFound);
    }

    [Fact]
    public async Task A_damaged_list_and_one_that_is_gone_change_nothing()
    {
        await using var node = await TokenNode.StartAsync([TokenNode.Token("one", "read")]);
        node.Watcher.Check();

        node.ReplaceWith(Encoding.UTF8.GetBytes("{ half a li")).ShouldBeFalse();
        await ShouldAnswerAsync(node, "one", HttpStatusCode.NotFound);
        await ShouldAnswerAsync(node, "two", HttpStatusCode.Unauthorized);

        File.Delete(node.ListPath);
        node.Watcher.Check().ShouldBeFalse();
        await ShouldAnswerAsync(node, "one", HttpStatusCode.NotFound);

        node.Replace(TokenNode.Token("two", "read")).ShouldBeTrue();
        await ShouldAnswerAsync(node, "one", HttpStatusCode.Unauthorized);
        await ShouldAnswerAsync(node, "two", HttpStatusCode.NotFound);
    }

    [Fact]
    public async Task A_running_node_looks_by_itself()
    {
        await using var node = await TokenNode.StartAsync([TokenNode.Token("one", "read")]);
        await ShouldAnswerAsync(node, "one", HttpStatusCode.NotFound);
        var list = TokenList.TryCreate([TokenNode.Token("two", "read")], out _)!;
        await File.WriteAllBytesAsync(node.ListPath, list.ToBytes(), TestContext.Current.CancellationToken);
        await TestKit.Eventually.TrueAsync(
            async () => (await node.SendAsync(HttpMethod.Get, "/artifacts/a", TokenNode.Bearer("two"))).StatusCode == HttpStatusCode.NotFound, TimeSpan.FromSeconds(20), "the new list counts");
    }

    [Fact]
    public void A_token_ends_when_it_expires_also_on_a_connection_that_knew_it()
    {
        var time = new FakeTimeProvider();
        var settings = new LiveSettings(new EdgeSettings(new EdgeCacheOptions(), null));
        var list = TokenList.TryCreate([TokenNode.Token("one", "read") with { Expires = time.GetUtcNow().AddHours(1) }], out _)!;
        var reader = new TokenReader(new TokenDirectory(settings, new TokenListHolder(list)), time);
        var context = new Microsoft.AspNetCore.Http.DefaultHttpContext();
        context.Features.Set(new ConnectionMemory());
        context.Request.Headers.Authorization = "Bearer one-secret";
        reader.Read(context).Principal.ShouldNotBeNull().Name.ShouldBe("one");
        reader.Read(context).IsRepeated.ShouldBeTrue();
        time.Advance(TimeSpan.FromHours(1));
        reader.Read(context).IsRefused.ShouldBeTrue();
    }

    [Fact]
    public async Task A_damaged_list_stops_a_start()
    {
        using var machine = new ConfigurationFixture();
        machine.Environment["EdgeCache__Access__TokenList"] = machine.Write("tokens.json", "{}");
        (await machine.LoadBadAsync()).ShouldHaveSingleItem().ShouldContain("is not a list of tokens");
    }

    [Fact]
    public async Task Listening_beyond_loopback_is_fine_with_a_list()
    {
        using var machine = new ConfigurationFixture();
        machine.Environment["EdgeCache__Listen__Host"] = "0.0.0.0";
        (await machine.LoadBadAsync()).ShouldHaveSingleItem().ShouldContain("edgecache token create");
        machine.Environment["EdgeCache__Access__TokenList"] = machine.Write("tokens.json", Encoding.UTF8.GetString(TokenList.Empty.ToBytes()));
        await machine.LoadGoodAsync();
    }

    private static async Task ShouldAnswerAsync(TokenNode node, string name, HttpStatusCode status)
    {
        using var answer = await node.SendAsync(HttpMethod.Get, "/artifacts/a", TokenNode.Bearer(name));
        answer.StatusCode.ShouldBe(status);
    }
}
