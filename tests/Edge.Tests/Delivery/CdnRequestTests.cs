using System.Net;
using EdgeCache.Edge.Tests.Purging;
using EdgeCache.Edge.Tests.Signing;
using EdgeCache.Storage;
using EdgeCache.TestKit;
using EdgeCache.TestKit.Stores;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;

namespace EdgeCache.Edge.Tests.Delivery;

/// <summary>How a CDN asks: HEAD before anything else, slices with If-Range, the age of what it gets.</summary>
public sealed class CdnRequestTests
{
    private static readonly DateTimeOffset Now = new(2026, 11, 23, 12, 0, 0, TimeSpan.Zero);

    [Fact]
    public async Task A_HEAD_reads_no_content_and_fetches_none()
    {
        await using var node = await FarNode.StartAsync();
        var content = Blobs.Bytes(3_000_000);
        await node.Node.PutAsync("/artifacts/here", content);
        await node.FarStore.PutAsync(BlobKey.Create("artifacts", "", "there"), content);
        foreach (var key in (string[])["here", "there", "there"])
        {
            using var head = await node.Node.SendAsync(HttpMethod.Head, $"/artifacts/{key}");
            head.StatusCode.ShouldBe(HttpStatusCode.OK);
            head.Content.Headers.ContentLength.ShouldBe(content.Length);
            head.Headers.ETag.ShouldNotBeNull();
            head.Headers.AcceptRanges.ShouldBe(["bytes"]);
        }
        node.Near.Count(StoreCall.OpenRead).ShouldBe(0);
        node.Far.Count(StoreCall.OpenRead).ShouldBe(0);
        node.Far.Count(StoreCall.Stat).ShouldBe(1, "what the far store said is remembered for the second one");
        (await node.CopiesAsync()).ShouldBe(["here"]);
    }

    /// <summary>Whether a coding is worth it is found out of a beginning, once for a blob.</summary>
    [Fact]
    public async Task A_HEAD_that_accepts_a_coding_reads_a_sample_once_at_most()
    {
        await using var node = await FarNode.StartAsync();
        await node.Node.PutAsync("/artifacts/here", Blobs.Bytes(3_000_000));
        for (var i = 0; i < 5; i++)
            (await node.Node.SendAsync(HttpMethod.Head, "/artifacts/here", ("Accept-Encoding", "zstd, gzip"))).StatusCode.ShouldBe(HttpStatusCode.OK);
        node.Near.Count(StoreCall.OpenRead).ShouldBeLessThanOrEqualTo(1);
        node.Near.Count(StoreCall.Read).ShouldBeLessThanOrEqualTo(1);
    }

    [Fact]
    public async Task What_was_fetched_just_now_has_the_age_zero_and_of_what_is_here_longer_none_is_made_up()
    {
        await using var node = await FarNode.StartAsync(("Namespaces:artifacts:CdnMaxAge", "1d"));
        await node.FarStore.PutAsync(BlobKey.Create("artifacts", "", "a"), [1]);
        using var fetched = await node.Node.GetAsync("/artifacts/a");
        fetched.Headers.Age.ShouldBe(TimeSpan.Zero);
        await node.SettledAsync();
        using var hit = await node.Node.GetAsync("/artifacts/a");
        hit.Headers.Age.ShouldBeNull();
    }

    [Fact]
    public async Task A_signed_address_is_good_for_slices_until_its_time_is_over()
    {
        var clock = new FakeTimeProvider(Now);
        await using var node = await TestNode.StartAsync(s => s.AddSingleton<TimeProvider>(clock), ("SignedUrls:own:Keys:k1:Secret", "0123456789abcdef0123456789abcdef"), ("SignedUrls:own:ClockSkew", "0s"), ("Namespaces:artifacts:SignedUrl", "own"));
        var content = Blobs.Bytes(300_000);
        await node.PutAsync("/artifacts/a", content);
        var url = SignedUrlHttpTests.Sign(node, "/artifacts/a");
        node.Client.DefaultRequestHeaders.Authorization = null;
        using var first = await node.GetAsync(url, ("Range", "bytes=0-99999"));
        first.StatusCode.ShouldBe(HttpStatusCode.PartialContent);
        var tag = first.Headers.ETag!.ToString();
        first.Headers.ETag.IsWeak.ShouldBeFalse();
        var got = new List<byte>(await first.Content.ReadAsByteArrayAsync());
        foreach (var range in (string[])["bytes=100000-199999", "bytes=200000-"])
        {
            using var slice = await node.GetAsync(url, ("Range", range), ("If-Range", tag));
            slice.StatusCode.ShouldBe(HttpStatusCode.PartialContent);
            slice.Headers.ETag!.ToString().ShouldBe(tag);
            got.AddRange(await slice.Content.ReadAsByteArrayAsync());
        }
        got.ShouldBe(content);

        // What is not the same strong tag gets the whole, so that nothing is put together that does not belong together.
        foreach (var other in (string[])["\"other\"", $"W/{tag}"])
            (await node.GetAsync(url, ("Range", "bytes=1-2"), ("If-Range", other))).StatusCode.ShouldBe(HttpStatusCode.OK);
        clock.SetUtcNow(Now.AddMinutes(10));
        (await node.GetAsync(url, ("Range", "bytes=1-2"), ("If-Range", tag))).StatusCode.ShouldBe(HttpStatusCode.Forbidden);
    }

    [Fact]
    public async Task Every_namespace_says_for_itself_what_caches_may_do()
    {
        await using var node = await TestNode.StartAsync(
            ("Access:Token", null!),
            ("Namespaces:one:MaxAge", "10m"), ("Namespaces:one:CdnMaxAge", "1d"), ("Namespaces:one:CdnFields", "Surrogate-Control"), ("Namespaces:one:TagFields", "Surrogate-Key"),
            ("Namespaces:two:MaxAge", "20m"), ("Namespaces:two:CdnMaxAge", "0s"));
        foreach (var space in (string[])["one", "two"])
            await node.PutAsync($"/cache/{space}/a", [1], ("Cache-Tag", "t"));
        using var one = await node.GetAsync("/cache/one/a");
        using var two = await node.GetAsync("/cache/two/a");
        Field(one, "Cache-Control").ShouldBe("public, max-age=600");
        Field(one, "Surrogate-Control").ShouldBe("max-age=86400");
        Field(one, "CDN-Cache-Control").ShouldBeNull();
        Field(one, "Surrogate-Key").ShouldBe("t");
        Field(one, "Cache-Tag").ShouldBeNull();
        Field(two, "Cache-Control").ShouldBe("public, max-age=1200");
        Field(two, "Surrogate-Control").ShouldBeNull();
        Field(two, "CDN-Cache-Control").ShouldBeNull();
        Field(two, "Cache-Tag").ShouldBe("t");
    }

    private static string? Field(HttpResponseMessage answer, string name) => answer.Headers.NonValidated.TryGetValues(name, out var values) ? string.Join(", ", values) : null;
}
