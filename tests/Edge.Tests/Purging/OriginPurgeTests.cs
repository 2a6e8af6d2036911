using System.Net;
using System.Text;
using System.Text.Json;
using EdgeCache.Edge.Tests.Origins;

namespace EdgeCache.Edge.Tests.Purging;

/// <summary>Purges of a node whose far store is an HTTP origin, which can't be asked for a list.</summary>
public sealed class OriginPurgeTests
{
    private static readonly HttpMethod Purge = new("PURGE");

    [Fact]
    public async Task A_hard_purge_of_a_key_deletes_at_the_origin_and_the_others_leave_it_alone()
    {
        await using var origin = await TestNode.StartAsync(OriginNodes.Namespaces);
        await using var front = await OriginNodes.StartFrontAsync([origin.Client.BaseAddress!]);
        foreach (var key in (string[])["a", "b", "c"])
            (await front.PutAsync($"/cache/test/{key}", Encoding.UTF8.GetBytes(key))).StatusCode.ShouldBe(HttpStatusCode.Created);

        (await StateAsync(await front.SendAsync(Purge, "/cache/test/a"))).ShouldBe("done");
        (await StateAsync(await front.SendAsync(Purge, "/cache/test/b", ("EdgeCache-Purge", "local")))).ShouldBe("done");
        (await StateAsync(await front.SendAsync(Purge, "/cache/test/c", ("EdgeCache-Purge", "soft")))).ShouldBe("done");

        (await origin.GetAsync("/cache/test/a")).StatusCode.ShouldBe(HttpStatusCode.NotFound);
        (await front.GetAsync("/cache/test/a")).StatusCode.ShouldBe(HttpStatusCode.NotFound);
        (await SourceAsync(front, "b")).ShouldBe("EdgeCache; fwd=uri-miss; stored");
        (await SourceAsync(front, "c")).ShouldBe("EdgeCache; hit; detail=revalidated");
    }

    [Theory]
    [InlineData("\"prefix\": \"a\"")]
    [InlineData("\"tag\": \"t\"")]
    [InlineData("\"writer\": \"token\"")]
    [InlineData("\"all\": true")]
    public async Task A_purge_of_many_reaches_what_is_also_here_and_says_so(string which)
    {
        await using var origin = await TestNode.StartAsync(OriginNodes.Namespaces);
        await using var front = await OriginNodes.StartFrontAsync([origin.Client.BaseAddress!]);
        await front.PutAsync("/cache/test/a-here", [1], ("Cache-Tag", "t"));
        await origin.PutAsync("/cache/test/a-there", [1], ("Cache-Tag", "t"));
        using var call = new StringContent($$"""{"namespace": "test", {{which}}}""", Encoding.UTF8, "application/json");
        using var answer = await front.Client.PostAsync("/admin/purge", call);
        var report = JsonDocument.Parse(await answer.Content.ReadAsStringAsync()).RootElement;
        report.GetProperty("state").GetString().ShouldBe("done", report.ToString());
        report.GetProperty("purged").GetInt64().ShouldBe(1);
        report.GetProperty("detail").GetString().ShouldBe("The far store can't list what it has: of it, only what is also here was purged.");
        (await origin.GetAsync("/cache/test/a-here")).StatusCode.ShouldBe(HttpStatusCode.NotFound);
        (await origin.GetAsync("/cache/test/a-there")).StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task An_origin_that_does_not_delete_is_a_purge_that_failed_and_the_report_says_which_and_why()
    {
        await using var origin = new ScriptedOrigin(new Step(ScriptedOrigin.Head("405 Method Not Allowed", "Content-Length: 0")));
        await using var front = await OriginNodes.StartFrontAsync([origin.Address], ("Storage:Origin:Kind", "http"));
        using var answer = await front.SendAsync(Purge, "/cache/test/a");
        answer.StatusCode.ShouldBe(HttpStatusCode.BadGateway);
        var report = JsonDocument.Parse(await answer.Content.ReadAsStringAsync()).RootElement;
        report.GetProperty("state").GetString().ShouldBe("failed");
        report.GetProperty("failed").GetInt64().ShouldBe(1);
        report.GetProperty("detail").GetString()!.ShouldStartWith("test/a: ");
        report.GetProperty("detail").GetString()!.ShouldContain("The far store does not answer as it should");
    }

    private static async Task<string> StateAsync(HttpResponseMessage answer)
    {
        using (answer)
            return JsonDocument.Parse(await answer.Content.ReadAsStringAsync()).RootElement.GetProperty("state").GetString()!;
    }

    private static async Task<string> SourceAsync(TestNode node, string key)
    {
        using var answer = await node.GetAsync($"/cache/test/{key}");
        return string.Join(", ", answer.EnsureSuccessStatusCode().Headers.GetValues("Cache-Status"));
    }
}
