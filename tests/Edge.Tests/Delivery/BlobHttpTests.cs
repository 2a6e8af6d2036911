using System.Net;
using System.Security.Cryptography;
using EdgeCache.TestKit;

namespace EdgeCache.Edge.Tests.Delivery;

/// <summary>GET, HEAD, PUT and DELETE as a client sees them.</summary>
public sealed class BlobHttpTests : IAsyncLifetime
{
    private TestNode _node = null!;

    public async ValueTask InitializeAsync() => _node = await TestNode.StartAsync(
        ("Namespaces:cas:Verified", "true"),
        ("Namespaces:ac:Replaceable", "true"),
        ("Namespaces:dav:SlashInKeys", "true"),
        ("Namespaces:small:MaxBlobSize", "1000"));

    public ValueTask DisposeAsync() => _node.DisposeAsync();

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(65_536)]
    [InlineData(3_000_001)]
    public async Task A_blob_comes_back_with_everything_that_describes_it(int length)
    {
        var content = Blobs.Bytes(length);
        using var put = await _node.PutAsync("/artifacts/one", content, ("Content-Type", "text/x-c"));
        put.StatusCode.ShouldBe(HttpStatusCode.Created);
        put.Headers.GetValues("EdgeCache-Stored").ShouldBe(["local"]);

        using var got = await _node.GetAsync("/artifacts/one");

        got.StatusCode.ShouldBe(HttpStatusCode.OK);
        (await got.Content.ReadAsByteArrayAsync()).ShouldBe(content);
        got.Content.Headers.ContentLength.ShouldBe(length);
        got.Content.Headers.ContentType!.ToString().ShouldBe("text/x-c");
        got.Headers.ETag!.ToString().ShouldBe($"\"{Convert.ToHexStringLower(SHA256.HashData(content))}\"");
        got.Headers.ETag.ShouldBe(put.Headers.ETag);
        got.Headers.GetValues("Repr-Digest").ShouldBe([$"sha-256=:{Convert.ToBase64String(SHA256.HashData(content))}:"]);
        got.Headers.GetValues("Cache-Status").ShouldBe(["EdgeCache; hit"]);
        got.Headers.AcceptRanges.ShouldBe(["bytes"]);
        got.Content.Headers.LastModified.ShouldNotBeNull();
        got.Headers.CacheControl!.ToString().ShouldBe("max-age=3600, private");
    }

    [Theory]
    [InlineData(0)]
    [InlineData(5000)]
    [InlineData(16_000)]
    [InlineData(200_000)]
    public async Task The_tenth_answer_is_the_first_whole_and_in_part(int length)
    {
        var content = Blobs.Bytes(length);
        using var put = await _node.PutAsync("/artifacts/often", content);
        for (var i = 0; i < 10; i++)
        {
            using var got = await _node.GetAsync("/artifacts/often");
            (await got.Content.ReadAsByteArrayAsync()).ShouldBe(content);
            if (length == 0)
                continue;
            using var part = await _node.GetAsync("/artifacts/often", ("Range", "bytes=1000-3999"));
            part.StatusCode.ShouldBe(HttpStatusCode.PartialContent);
            (await part.Content.ReadAsByteArrayAsync()).ShouldBe(content[1000..4000]);
        }
        var metrics = await _node.Client.GetStringAsync("/metrics");
        metrics.Contains("edgecache_memory_tier_hits_total 0", StringComparison.Ordinal).ShouldBe(length > 65_536, "small ones come out of memory by now");
    }

    [Fact]
    public async Task HEAD_is_GET_without_the_content()
    {
        await _node.PutAsync("/artifacts/one", Blobs.Bytes(5000));
        using var get = await _node.GetAsync("/artifacts/one");
        using var head = await _node.SendAsync(HttpMethod.Head, "/artifacts/one");
        head.StatusCode.ShouldBe(HttpStatusCode.OK);
        (await head.Content.ReadAsByteArrayAsync()).ShouldBeEmpty();
        string Fields(HttpResponseMessage response) =>
            string.Join('\n', response.Headers.Concat(response.Content.Headers).Where(h => h.Key != "Date").OrderBy(h => h.Key).Select(h => $"{h.Key}: {string.Join(',', h.Value)}"));
        Fields(head).ShouldBe(Fields(get));
    }

    [Fact]
    public async Task Putting_the_same_bytes_again_is_200_and_other_bytes_409_where_nothing_is_replaced()
    {
        (await _node.PutAsync("/artifacts/k", "one"u8.ToArray())).StatusCode.ShouldBe(HttpStatusCode.Created);
        (await _node.PutAsync("/artifacts/k", "one"u8.ToArray())).StatusCode.ShouldBe(HttpStatusCode.OK);
        using var other = await _node.PutAsync("/artifacts/k", "two"u8.ToArray());
        other.StatusCode.ShouldBe(HttpStatusCode.Conflict);
        other.Content.Headers.ContentType!.MediaType.ShouldBe("application/problem+json");
        (await _node.Client.GetStringAsync("/artifacts/k")).ShouldBe("one");
    }

    [Fact]
    public async Task A_replaceable_namespace_of_the_configuration_replaces_and_has_caches_ask()
    {
        (await _node.PutAsync("/cache/ac/k", "one"u8.ToArray())).StatusCode.ShouldBe(HttpStatusCode.Created);
        (await _node.PutAsync("/cache/ac/k", "two"u8.ToArray())).StatusCode.ShouldBe(HttpStatusCode.OK);
        using var got = await _node.GetAsync("/cache/ac/k");
        (await got.Content.ReadAsStringAsync()).ShouldBe("two");
        got.Headers.CacheControl!.ToString().ShouldBe("no-cache, private");
    }

    [Fact]
    public async Task A_verified_namespace_takes_only_content_that_hashes_to_its_key_and_lets_caches_keep_it_for_good()
    {
        var content = Blobs.Bytes(1000);
        var key = Convert.ToHexStringLower(SHA256.HashData(content));
        using var wrong = await _node.PutAsync($"/cache/cas/{key}", Blobs.Bytes(1000, seed: 1));
        wrong.StatusCode.ShouldBe(HttpStatusCode.BadRequest);
        (await _node.GetAsync($"/cache/cas/{key}")).StatusCode.ShouldBe(HttpStatusCode.NotFound);

        (await _node.PutAsync($"/cache/cas/{key}", content)).StatusCode.ShouldBe(HttpStatusCode.Created);
        using var got = await _node.GetAsync($"/cache/cas/{key}");
        got.Headers.CacheControl!.ToString().ShouldBe("max-age=31536000, private, immutable");
        (await _node.GetAsync("/cache/cas/nohash")).StatusCode.ShouldBe(HttpStatusCode.BadRequest);
        (await _node.GetAsync($"/cache/cas/{key.ToUpperInvariant()}")).StatusCode.ShouldBe(HttpStatusCode.BadRequest);
    }

    [Fact]
    public async Task Namespaces_are_apart_and_only_configured_ones_exist()
    {
        await _node.PutAsync("/artifacts/k", "artifact"u8.ToArray());
        (await _node.GetAsync("/cache/ac/k")).StatusCode.ShouldBe(HttpStatusCode.NotFound);
        (await _node.GetAsync("/cache/unknown/k")).StatusCode.ShouldBe(HttpStatusCode.NotFound);
        (await _node.GetAsync("/cache/artifacts/k")).StatusCode.ShouldBe(HttpStatusCode.NotFound);
        (await _node.PutAsync("/cache/dav/a/b/c.txt", "nested"u8.ToArray())).StatusCode.ShouldBe(HttpStatusCode.Created);
        (await _node.Client.GetStringAsync("/cache/dav/a/b/c.txt")).ShouldBe("nested");
        (await _node.PutAsync("/cache/dav/a//c.txt", "x"u8.ToArray())).StatusCode.ShouldBe(HttpStatusCode.BadRequest);
    }

    [Fact]
    public async Task A_limit_names_itself_and_where_it_is_set()
    {
        using var announced = await _node.PutAsync("/cache/small/k", Blobs.Bytes(1001));
        announced.StatusCode.ShouldBe(HttpStatusCode.RequestEntityTooLarge);
        var problem = await announced.Content.ReadAsStringAsync();
        problem.ShouldContain("1000");
        problem.ShouldContain("EdgeCache:Namespaces:small:MaxBlobSize");
        using var chunked = new HttpRequestMessage(HttpMethod.Put, "/cache/small/k") { Content = new StreamContent(new MemoryStream(Blobs.Bytes(1001))) };
        chunked.Headers.TransferEncodingChunked = true;
        (await _node.Client.SendAsync(chunked)).StatusCode.ShouldBe(HttpStatusCode.RequestEntityTooLarge);
        (await _node.GetAsync("/cache/small/k")).StatusCode.ShouldBe(HttpStatusCode.NotFound);
    }

    [Fact]
    public async Task A_chunked_upload_is_as_good_as_any()
    {
        var content = Blobs.Bytes(200_000);
        using var request = new HttpRequestMessage(HttpMethod.Put, "/artifacts/chunked") { Content = new StreamContent(new MemoryStream(content)) };
        request.Headers.TransferEncodingChunked = true;
        (await _node.Client.SendAsync(request)).StatusCode.ShouldBe(HttpStatusCode.Created);
        (await _node.Client.GetByteArrayAsync("/artifacts/chunked")).ShouldBe(content);
    }

    [Fact]
    public async Task A_deleted_blob_is_gone()
    {
        await _node.PutAsync("/artifacts/k", "one"u8.ToArray());
        (await _node.SendAsync(HttpMethod.Delete, "/artifacts/k")).StatusCode.ShouldBe(HttpStatusCode.NoContent);
        (await _node.SendAsync(HttpMethod.Delete, "/artifacts/k")).StatusCode.ShouldBe(HttpStatusCode.NotFound);
        using var miss = await _node.GetAsync("/artifacts/k");
        miss.StatusCode.ShouldBe(HttpStatusCode.NotFound);
        miss.Headers.GetValues("Cache-Status").ShouldBe(["EdgeCache; hit=?0; detail=uri-miss"]);
        miss.Headers.CacheControl!.NoStore.ShouldBeTrue();
    }

    [Theory]
    [InlineData("Repr-Digest", "sha-256", true)]
    [InlineData("Repr-Digest", "sha-512", true)]
    [InlineData("Content-Digest", "sha-256", true)]
    [InlineData("Repr-Digest", "sha-256", false)]
    [InlineData("Repr-Digest", "sha-512", false)]
    [InlineData("Content-Digest", "sha-512", false)]
    public async Task The_digest_that_a_PUT_gives_is_checked(string field, string algorithm, bool right)
    {
        var content = Blobs.Bytes(10_000);
        var hashed = right ? content : Blobs.Bytes(10_000, seed: 1);
        var digest = Convert.ToBase64String(algorithm == "sha-256" ? SHA256.HashData(hashed) : SHA512.HashData(hashed));
        using var put = await _node.PutAsync("/artifacts/k", content, (field, $"unknown=:AAAA:, {algorithm}=:{digest}:"));
        put.StatusCode.ShouldBe(right ? HttpStatusCode.Created : HttpStatusCode.BadRequest);
        (await _node.GetAsync("/artifacts/k")).StatusCode.ShouldBe(right ? HttpStatusCode.OK : HttpStatusCode.NotFound);
    }

    [Theory]
    [InlineData("text/html", true)]
    [InlineData("image/svg+xml", true)]
    [InlineData("application/javascript", true)]
    [InlineData("application/zip", false)]
    [InlineData("text/plain", false)]
    public async Task A_browser_may_not_run_what_is_stored(string type, bool attachment)
    {
        await _node.PutAsync("/artifacts/page", "<script>alert(1)</script>"u8.ToArray(), ("Content-Type", type));
        using var got = await _node.GetAsync("/artifacts/page");
        got.Headers.GetValues("X-Content-Type-Options").ShouldBe(["nosniff"]);
        got.Headers.GetValues("Content-Security-Policy").ShouldBe(["sandbox"]);
        (got.Content.Headers.ContentDisposition?.DispositionType == "attachment").ShouldBe(attachment);
    }

    [Fact]
    public async Task Equal_concurrent_PUTs_all_succeed_and_of_different_ones_one_wins()
    {
        for (var round = 0; round < 5; round++)
        {
            var path = $"/artifacts/race{round}";
            var answers = await Task.WhenAll(Enumerable.Range(0, 12).Select(async i => (Seed: i % 3, (await _node.PutAsync(path, Blobs.Bytes(5000, seed: i % 3))).StatusCode)));
            var winner = await _node.Client.GetByteArrayAsync(path);
            answers.Count(a => a.StatusCode == HttpStatusCode.Created).ShouldBe(1);
            foreach (var (seed, status) in answers)
            {
                if (Blobs.Bytes(5000, seed).AsSpan().SequenceEqual(winner))
                    status.ShouldBeOneOf(HttpStatusCode.Created, HttpStatusCode.OK);
                else
                    status.ShouldBe(HttpStatusCode.Conflict);
            }
        }
    }
}
