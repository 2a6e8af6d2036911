using System.Net;
using EdgeCache.Edge.Tests.Origins;
using EdgeCache.TestKit;

namespace EdgeCache.Edge.Tests.Compression;

/// <summary>HEAD of what is not here: it says nothing that the GET after it does not say.</summary>
public sealed class CodedHeadTests
{
    [Theory]
    [InlineData("gzip", "text")]
    [InlineData("gzip", "noise")]
    [InlineData("zstd", "text")]
    [InlineData("zstd", "noise")]
    [InlineData("gzip, identity;q=0", "noise")]
    public async Task Of_a_blob_that_only_the_far_store_has_a_HEAD_leaves_open_what_only_a_GET_can_tell(string accept, string name)
    {
        await using var origin = await TestNode.StartAsync(OriginNodes.Namespaces);
        await using var front = await OriginNodes.StartFrontAsync([origin.Client.BaseAddress!]);
        var content = name == "text" ? Contents.Text(300_000) : Blobs.Bytes(300_000);
        (await origin.PutAsync($"/cache/test/{name}", content)).StatusCode.ShouldBe(HttpStatusCode.Created);

        using var head = await front.SendAsync(HttpMethod.Head, $"/cache/test/{name}", ("Accept-Encoding", accept));
        using var get = await front.GetAsync($"/cache/test/{name}", ("Accept-Encoding", accept));

        head.StatusCode.ShouldBe(HttpStatusCode.OK);
        Coder.Decode(get.Content.Headers.ContentEncoding.SingleOrDefault() ?? "identity", await get.Content.ReadAsByteArrayAsync()).ShouldBe(content);
        foreach (var field in (string[])["Content-Encoding", "Content-Length", "ETag", "Repr-Digest", "Accept-Ranges"])
        {
            if (Value(head, field) is { } said)
                said.ShouldBe(Value(get, field), field);
        }
        (head.Content.Headers.LastModified, head.Headers.Vary.ToString()).ShouldBe((get.Content.Headers.LastModified, "Accept-Encoding"));
    }

    [Fact]
    public async Task Who_asks_for_no_coding_is_told_everything_of_a_blob_that_only_the_far_store_has()
    {
        await using var origin = await TestNode.StartAsync(OriginNodes.Namespaces);
        await using var front = await OriginNodes.StartFrontAsync([origin.Client.BaseAddress!]);
        (await origin.PutAsync("/cache/test/a", Contents.Text(300_000))).StatusCode.ShouldBe(HttpStatusCode.Created);

        using var head = await front.SendAsync(HttpMethod.Head, "/cache/test/a");
        using var get = await front.GetAsync("/cache/test/a");

        head.Content.Headers.ContentLength.ShouldBe(300_000);
        Value(head, "ETag").ShouldNotBeNull().ShouldBe(Value(get, "ETag"));
    }

    private static string? Value(HttpResponseMessage answer, string field) =>
        answer.Headers.TryGetValues(field, out var values) || answer.Content.Headers.TryGetValues(field, out values) ? string.Join(", ", values) : null;
}
