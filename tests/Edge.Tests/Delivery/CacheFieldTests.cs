using System.Net;
using EdgeCache.Edge.Tests.Signing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;

namespace EdgeCache.Edge.Tests.Delivery;

/// <summary>What caches between the node and the client are told.</summary>
public sealed class CacheFieldTests
{
    private static readonly DateTimeOffset Now = new(2026, 11, 23, 12, 0, 0, TimeSpan.Zero);

    private static readonly (string, string)[] Signed =
    [
        ("SignedUrls:own:Keys:k1:Secret", "0123456789abcdef0123456789abcdef"),
        ("SignedUrls:own:ClockSkew", "30s"),
        ("Namespaces:artifacts:SignedUrl", "own"),
        ("Namespaces:artifacts:MaxAge", "1h"),
        ("Namespaces:artifacts:CdnMaxAge", "1d"),
        ("Namespaces:artifacts:CdnFields", "CDN-Cache-Control,Surrogate-Control"),
        ("Namespaces:artifacts:StaleIfError", "1d"),
    ];

    [Fact]
    public async Task No_cache_is_told_to_keep_what_is_signed_for_longer_than_the_address_is_good()
    {
        var clock = new FakeTimeProvider(Now);
        await using var node = await TestNode.StartAsync(s => s.AddSingleton<TimeProvider>(clock), Signed);
        await node.PutAsync("/artifacts/a", [1, 2, 3]);
        var url = SignedUrlHttpTests.Sign(node, "/artifacts/a");
        node.Client.DefaultRequestHeaders.Authorization = null;
        foreach (var (elapsed, age) in ((int, int)[])[(0, 600), (1, 599), (599, 1), (600, 0), (629, 0)])
        {
            clock.SetUtcNow(Now.AddSeconds(elapsed));
            using var answer = await node.GetAsync(url);
            answer.StatusCode.ShouldBe(HttpStatusCode.OK);
            Field(answer, "Cache-Control").ShouldBe($"public, max-age={age}");
            Field(answer, "CDN-Cache-Control").ShouldBe($"max-age={age}");
            Field(answer, "Surrogate-Control").ShouldBe($"max-age={age}");
            using var unchanged = await node.GetAsync(url, ("If-None-Match", "*"));
            unchanged.StatusCode.ShouldBe(HttpStatusCode.NotModified);
            Field(unchanged, "Cache-Control").ShouldBe($"public, max-age={age}");
        }
        clock.SetUtcNow(Now.AddSeconds(630));
        (await node.GetAsync(url)).StatusCode.ShouldBe(HttpStatusCode.Forbidden);
    }

    [Fact]
    public async Task What_a_token_is_needed_for_is_private_and_no_cdn_is_told_to_keep_it()
    {
        await using var node = await TestNode.StartAsync(Signed);
        await node.PutAsync("/artifacts/a", [1]);
        using var answer = await node.GetAsync("/artifacts/a");
        Field(answer, "Cache-Control").ShouldBe("private, max-age=3600, stale-if-error=86400");
        Field(answer, "CDN-Cache-Control").ShouldBeNull();
        Field(answer, "Surrogate-Control").ShouldBeNull();
    }

    [Fact]
    public async Task What_everybody_may_read_is_public_with_what_the_namespace_says()
    {
        await using var node = await TestNode.StartAsync(
            ("Access:Token", null!), ("Namespaces:moving:Replaceable", "true"), ("Namespaces:moving:CdnMaxAge", "1h"), ("Namespaces:moving:StaleWhileRevalidate", "30s"), ("Namespaces:cas:Verified", "true"));
        await node.PutAsync("/cache/moving/a", [1]);
        using var answer = await node.GetAsync("/cache/moving/a");
        Field(answer, "Cache-Control").ShouldBe("public, no-cache, stale-while-revalidate=30");
        Field(answer, "CDN-Cache-Control").ShouldBe("max-age=3600, stale-while-revalidate=30");
        Field(answer, "Surrogate-Control").ShouldBeNull();
        var digest = Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData([1]));
        await node.PutAsync($"/cache/cas/{digest}", [1]);
        Field(await node.GetAsync($"/cache/cas/{digest}"), "Cache-Control").ShouldBe("public, max-age=31536000, immutable");
    }

    [Fact]
    public async Task Tags_that_were_given_come_back_in_the_fields_of_the_namespace()
    {
        await using var node = await TestNode.StartAsync(("Namespaces:one:TagFields", "Surrogate-Key"));
        (await node.PutAsync("/artifacts/a", [1], ("Cache-Tag", "app, v1"), ("Surrogate-Key", "nightly v1"))).StatusCode.ShouldBe(HttpStatusCode.Created);
        using var answer = await node.GetAsync("/artifacts/a");
        Field(answer, "Cache-Tag").ShouldBe("app,v1,nightly");
        Field(answer, "Surrogate-Key").ShouldBe("app v1 nightly");
        using var head = await node.SendAsync(HttpMethod.Head, "/artifacts/a");
        Field(head, "Cache-Tag").ShouldBe("app,v1,nightly");
        await node.PutAsync("/cache/one/a", [1], ("Cache-Tag", "app"));
        Field(await node.GetAsync("/cache/one/a"), "Cache-Tag").ShouldBeNull();
        Field(await node.GetAsync("/cache/one/a"), "Surrogate-Key").ShouldBe("app");
        await node.PutAsync("/artifacts/none", [1]);
        Field(await node.GetAsync("/artifacts/none"), "Cache-Tag").ShouldBeNull();
    }

    [Theory]
    [InlineData("Cache-Tag", "a b")]
    [InlineData("Surrogate-Key", "a,b")]
    [InlineData("Cache-Tag", "tag\u00e9")]
    [InlineData("Cache-Tag", "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789")]
    public async Task Tags_that_could_not_be_sent_back_are_refused(string field, string value)
    {
        await using var node = await TestNode.StartAsync();
        (await node.SendRawAsync($"PUT /artifacts/a HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TestNode.Token}\r\n{field}: {value}\r\nContent-Length: 1\r\nConnection: close\r\n\r\nx")).ShouldStartWith("HTTP/1.1 400");
        (await node.GetAsync("/artifacts/a")).StatusCode.ShouldBe(HttpStatusCode.NotFound);
    }

    [Fact]
    public async Task The_slices_of_a_cdn_fit_together_or_the_whole_is_sent()
    {
        await using var node = await TestNode.StartAsync(("Namespaces:moving:Replaceable", "true"));
        var content = Enumerable.Range(0, 300_000).Select(i => (byte)(i * 31)).ToArray();
        await node.PutAsync("/cache/moving/a", content);
        var tag = Field(await node.SendAsync(HttpMethod.Head, "/cache/moving/a"), "ETag")!;
        var got = new List<byte>();
        for (var at = 0; at < content.Length; at += 65536)
        {
            using var slice = await node.GetAsync("/cache/moving/a", ("Range", $"bytes={at}-{at + 65535}"), ("If-Range", tag));
            slice.StatusCode.ShouldBe(HttpStatusCode.PartialContent);
            Field(slice, "ETag").ShouldBe(tag);
            got.AddRange(await slice.Content.ReadAsByteArrayAsync());
        }
        got.ShouldBe(content);

        // Replaced between two slices: never a part of the one and a part of the other.
        await node.PutAsync("/cache/moving/a", [9, 9, 9]);
        using var whole = await node.GetAsync("/cache/moving/a", ("Range", "bytes=1-2"), ("If-Range", tag));
        whole.StatusCode.ShouldBe(HttpStatusCode.OK);
        (await whole.Content.ReadAsByteArrayAsync()).ShouldBe([9, 9, 9]);
        using var beyond = await node.GetAsync("/cache/moving/a", ("Range", "bytes=65536-131071"));
        beyond.StatusCode.ShouldBe(HttpStatusCode.RequestedRangeNotSatisfiable);
    }

    private static string? Field(HttpResponseMessage answer, string name) => answer.Headers.NonValidated.TryGetValues(name, out var values) ? string.Join(", ", values) : null;
}
