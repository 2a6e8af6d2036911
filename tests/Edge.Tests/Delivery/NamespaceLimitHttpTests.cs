using System.Net;
using System.Text.RegularExpressions;
using EdgeCache.TestKit;

namespace EdgeCache.Edge.Tests.Delivery;

public sealed class NamespaceLimitHttpTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_blob_beyond_the_quota_is_507_that_names_the_quota_and_where_it_is_set(bool isChunked)
    {
        await using var node = await TestNode.StartAsync(("Namespaces:artifacts:Quota", "100 KiB"));
        var answer = await node.PutAsync("/artifacts/large", new byte[200_000], isChunked ? [("Transfer-Encoding", "chunked")] : []);
        answer.StatusCode.ShouldBe(HttpStatusCode.InsufficientStorage);
        var detail = await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        detail.ShouldContain("102400 bytes, set with EdgeCache:Namespaces:artifacts:Quota");
        (await node.PutAsync("/artifacts/small", new byte[50_000])).StatusCode.ShouldBe(HttpStatusCode.Created);
    }

    [Fact]
    public async Task A_quota_is_kept_and_measured()
    {
        await using var node = await TestNode.StartAsync(("Namespaces:artifacts:Quota", "1 MiB"));
        for (var i = 0; i < 60; i++)
            (await node.PutAsync($"/artifacts/k{i}", Blobs.Bytes(50_000, seed: i))).StatusCode.ShouldBe(HttpStatusCode.Created);
        var metrics = await node.Client.GetStringAsync("/metrics", TestContext.Current.CancellationToken);
        Value(metrics, "edgecache_namespace_bytes{namespace=\"artifacts\"}").ShouldBeInRange(500_000, 1 << 20);
        Value(metrics, "edgecache_evictions_total{namespace=\"artifacts\",reason=\"quota\"}").ShouldBeInRange(30, 55);
        Value(metrics, "edgecache_evictions_total{namespace=\"artifacts\",reason=\"age\"}").ShouldBe(0);
        Value(metrics, "edgecache_storage_damaged_total").ShouldBe(0);
    }

    [Fact]
    public async Task A_blob_that_was_kept_for_long_enough_is_a_404_and_may_be_created_again()
    {
        await using var node = await TestNode.StartAsync(("Namespaces:artifacts:Retention", "3s"));
        (await node.PutAsync("/artifacts/a", new byte[10])).StatusCode.ShouldBe(HttpStatusCode.Created);
        await Eventually.TrueAsync(async () => (await node.GetAsync("/artifacts/a")).StatusCode == HttpStatusCode.NotFound, Patience, "the blob expires");
        (await node.PutAsync("/artifacts/a", new byte[20])).StatusCode.ShouldBe(HttpStatusCode.Created);
        (await node.GetAsync("/artifacts/a")).StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    private static double Value(string metrics, string series) =>
        double.Parse(Regex.Match(metrics, $"(?m)^{Regex.Escape(series)} (.+)$", RegexOptions.None, TimeSpan.FromSeconds(5)).Groups[1].Value, System.Globalization.CultureInfo.InvariantCulture);
}
