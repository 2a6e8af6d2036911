using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using EdgeCache.TestKit;

namespace EdgeCache.Edge.Tests.Compression;

/// <summary>In which coding a client gets a blob, by what it asks for and how the blob is stored.</summary>
public sealed class CodedResponseTests
{
    private static readonly byte[] Text = Contents.Text(300_000);
    private static readonly byte[] Noise = Blobs.Bytes(300_000);

    [Theory]
    [InlineData(null, "identity")]
    [InlineData("identity", "identity")]
    [InlineData("zstd", "zstd")]
    [InlineData("zstd,gzip", "zstd")]
    [InlineData("gzip, deflate, br", "gzip")]
    [InlineData("gzip, zstd;q=0.5", "gzip")]
    [InlineData("lz4", "lz4")]
    [InlineData("lz4, gzip;q=0.9", "lz4")]
    [InlineData("gzip;q=0.5, identity;q=0.9", "identity")]
    [InlineData("br, deflate", "identity")]
    [InlineData("*", "zstd")]
    [InlineData("*;q=0.5, zstd;q=0", "gzip")]
    [InlineData("gzip;q=nonsense", "identity")]
    [InlineData("x-gzip", "gzip")]
    public async Task A_client_gets_the_coding_that_it_likes_best_and_none_that_it_did_not_ask_for(string? accept, string expected)
    {
        await using var plain = await StartPlainAsync();
        await using var framed = await TestNode.StartAsync();
        foreach (var node in (TestNode[])[plain, framed])
        {
            await node.PutAsync("/artifacts/one", Text);
            using var got = await GetAsync(node, "/artifacts/one", accept);
            got.StatusCode.ShouldBe(HttpStatusCode.OK);
            CodingOf(got).ShouldBe(expected);
            got.Headers.Vary.ShouldBe(["Accept-Encoding"]);
            got.Headers.GetValues("Cache-Status").ShouldBe(["EdgeCache; hit"]);
            Coder.Decode(expected, await got.Content.ReadAsByteArrayAsync()).ShouldBe(Text);
        }
    }

    [Fact]
    public async Task A_stored_payload_goes_out_as_it_is_with_what_describes_it()
    {
        await using var node = await TestNode.StartAsync();
        await node.PutAsync("/artifacts/one", Text);
        using var got = await GetAsync(node, "/artifacts/one", "zstd");
        var payload = await got.Content.ReadAsByteArrayAsync();
        Coder.Decode("zstd", payload).ShouldBe(Text);
        got.Content.Headers.ContentLength.ShouldBe(payload.Length);
        got.Headers.ETag!.ToString().ShouldBe($"\"{Convert.ToHexStringLower(SHA256.HashData(payload))}.zstd\"");
        got.Headers.GetValues("Repr-Digest").ShouldBe([$"sha-256=:{Convert.ToBase64String(SHA256.HashData(payload))}:"]);
        got.Headers.AcceptRanges.ShouldBe(["none"]);
    }

    [Fact]
    public async Task What_is_compressed_on_its_way_has_a_weak_tag_of_its_own_and_no_digest()
    {
        await using var node = await StartPlainAsync();
        await node.PutAsync("/artifacts/one", Text);
        var digest = Convert.ToHexStringLower(SHA256.HashData(Text));
        foreach (var coding in (string[])["gzip", "lz4", "zstd"])
        {
            using var got = await GetAsync(node, "/artifacts/one", coding);
            got.Headers.ETag!.ToString().ShouldBe($"W/\"{digest}-{coding}\"");
            got.Headers.Contains("Repr-Digest").ShouldBeFalse();
            got.Headers.TransferEncodingChunked.ShouldBe(true);
            (await got.Content.ReadAsByteArrayAsync()).Length.ShouldBeLessThan(Text.Length * 3 / 4);
        }
    }

    [Theory]
    [InlineData("identity")]
    [InlineData("zstd")]
    [InlineData("gzip")]
    [InlineData("lz4")]
    public async Task HEAD_says_what_GET_says(string accept)
    {
        await using var plain = await StartPlainAsync();
        await using var framed = await TestNode.StartAsync();
        foreach (var node in (TestNode[])[plain, framed])
        {
            foreach (var (name, content) in new[] { ("text", Text), ("noise", Noise), ("short", Text[..100]), ("empty", []) })
            {
                await node.PutAsync($"/artifacts/{name}", content);
                using var head = await node.SendAsync(HttpMethod.Head, $"/artifacts/{name}", ("Accept-Encoding", accept));
                using var get = await GetAsync(node, $"/artifacts/{name}", accept);
                Fields(head).ShouldBe(Fields(get), name);
            }
        }
    }

    [Fact]
    public async Task What_does_not_shrink_or_is_short_stays_as_it_is()
    {
        await using var node = await StartPlainAsync(("Delivery:Compression:MinSize", "4096"));
        var archive = Coder.Encode("gzip", Contents.Text(2_000_000));
        foreach (var (name, content) in new[] { ("noise", Noise), ("archive", archive), ("short", Text[..4095]), ("empty", []) })
        {
            await node.PutAsync($"/artifacts/{name}", content);
            for (var i = 0; i < 2; i++)
            {
                using var got = await GetAsync(node, $"/artifacts/{name}", "gzip, lz4, zstd");
                CodingOf(got).ShouldBe("identity", name);
                got.Content.Headers.ContentLength.ShouldBe(content.Length);
                (await got.Content.ReadAsByteArrayAsync()).ShouldBe(content);
            }
        }
        await node.PutAsync("/artifacts/enough", Text[..4096]);
        using var coded = await GetAsync(node, "/artifacts/enough", "gzip");
        CodingOf(coded).ShouldBe("gzip");
    }

    [Fact]
    public async Task Switched_off_nothing_is_compressed_on_its_way_and_what_is_stored_so_still_goes_out_as_it_is()
    {
        await using var plain = await StartPlainAsync(("Delivery:Compression:OnTheFly", "false"));
        await plain.PutAsync("/artifacts/one", Text);
        using var whole = await GetAsync(plain, "/artifacts/one", "gzip, zstd");
        CodingOf(whole).ShouldBe("identity");

        await using var framed = await TestNode.StartAsync(("Delivery:Compression:OnTheFly", "false"));
        await framed.PutAsync("/artifacts/one", Text);
        using var stored = await GetAsync(framed, "/artifacts/one", "gzip, zstd;q=0.5");
        CodingOf(stored).ShouldBe("zstd");
    }

    [Theory]
    [InlineData("gzip, identity;q=0", "gzip")]
    [InlineData("zstd, *;q=0", "zstd")]
    [InlineData("br, identity;q=0", null)]
    [InlineData("*;q=0", null)]
    public async Task Who_refuses_identity_gets_another_coding_whatever_the_blob_or_406(string accept, string? expected)
    {
        await using var node = await TestNode.StartAsync();
        foreach (var (name, content) in new[] { ("text", Text), ("noise", Noise), ("short", Text[..10]), ("empty", []) })
        {
            await node.PutAsync($"/artifacts/{name}", content);
            using var got = await GetAsync(node, $"/artifacts/{name}", accept);
            got.Headers.Vary.ShouldBe(["Accept-Encoding"]);
            if (expected is null)
            {
                got.StatusCode.ShouldBe(HttpStatusCode.NotAcceptable);
                continue;
            }
            CodingOf(got).ShouldBe(expected);
            Coder.Decode(expected, await got.Content.ReadAsByteArrayAsync()).ShouldBe(content);
        }
    }

    [Fact]
    public async Task A_range_is_always_one_of_the_content()
    {
        await using var node = await TestNode.StartAsync();
        await node.PutAsync("/artifacts/one", Text);
        using var part = await GetAsync(node, "/artifacts/one", "zstd, gzip", ("Range", "bytes=1000-1999"));
        part.StatusCode.ShouldBe(HttpStatusCode.PartialContent);
        CodingOf(part).ShouldBe("identity");
        part.Headers.Vary.ShouldBe(["Accept-Encoding"]);
        part.Headers.ETag!.Tag.ShouldBe(TagOf(Text));
        (await part.Content.ReadAsByteArrayAsync()).ShouldBe(Text[1000..2000]);

        using var refused = await GetAsync(node, "/artifacts/one", "zstd, identity;q=0", ("Range", "bytes=1000-1999"));
        refused.StatusCode.ShouldBe(HttpStatusCode.NotAcceptable);
    }

    [Fact]
    public async Task A_download_is_never_continued_with_bytes_of_another_coding()
    {
        await using var node = await TestNode.StartAsync();
        await node.PutAsync("/artifacts/one", Text);
        foreach (var coding in (string[])["zstd", "gzip"])
        {
            using var begun = await GetAsync(node, "/artifacts/one", coding);
            var tag = begun.Headers.ETag!.ToString();
            using var continued = await GetAsync(node, "/artifacts/one", coding, ("Range", "bytes=1000-"), ("If-Range", tag));
            continued.StatusCode.ShouldBe(HttpStatusCode.OK, "the whole, from its start");
            using var guarded = await GetAsync(node, "/artifacts/one", coding, ("Range", "bytes=1000-"), ("If-Match", tag));
            guarded.StatusCode.ShouldBe(HttpStatusCode.PreconditionFailed);
        }
        using var good = await GetAsync(node, "/artifacts/one", "zstd", ("Range", "bytes=1000-"), ("If-Range", TagOf(Text)));
        good.StatusCode.ShouldBe(HttpStatusCode.PartialContent);
    }

    [Fact]
    public async Task What_a_client_has_is_confirmed_in_each_coding_with_the_tag_that_it_has()
    {
        await using var node = await TestNode.StartAsync();
        await node.PutAsync("/artifacts/one", Text);
        foreach (var coding in (string[])["identity", "zstd", "gzip", "lz4"])
        {
            using var first = await GetAsync(node, "/artifacts/one", coding);
            var tag = first.Headers.ETag!.ToString();
            foreach (var accept in (string[])[coding, $"{coding}, zstd", $"{coding};q=0.5, gzip"])
            {
                using var again = await GetAsync(node, "/artifacts/one", accept, ("If-None-Match", $"\"other\", {tag}"));
                again.StatusCode.ShouldBe(HttpStatusCode.NotModified, $"{tag} with {accept}");
                again.Headers.ETag!.ToString().ShouldBe(tag);
                again.Headers.Vary.ShouldBe(["Accept-Encoding"]);
            }
            using var head = await node.SendAsync(HttpMethod.Head, "/artifacts/one", ("Accept-Encoding", coding), ("If-None-Match", tag));
            head.StatusCode.ShouldBe(HttpStatusCode.NotModified);
        }
    }

    [Fact]
    public async Task What_is_in_a_coding_that_the_request_does_not_accept_is_not_confirmed()
    {
        await using var node = await TestNode.StartAsync();
        await node.PutAsync("/artifacts/one", Text);
        using var zstd = await GetAsync(node, "/artifacts/one", "zstd");
        foreach (var accept in (string?[])[null, "gzip", "zstd;q=0"])
        {
            using var got = await GetAsync(node, "/artifacts/one", accept, ("If-None-Match", zstd.Headers.ETag!.ToString()));
            got.StatusCode.ShouldBe(HttpStatusCode.OK, accept);
        }
        using var both = await GetAsync(node, "/artifacts/one", "zstd", ("If-None-Match", $"{TagOf(Text)}, {zstd.Headers.ETag}"));
        both.StatusCode.ShouldBe(HttpStatusCode.NotModified);
        both.Headers.ETag!.ShouldBe(zstd.Headers.ETag, "that of what would be sent, if the client has it");
    }

    [Fact]
    public async Task A_change_may_be_made_under_the_tag_of_any_coding_of_the_present_version()
    {
        await using var node = await TestNode.StartAsync(("Namespaces:ac:Replaceable", "true"));
        await node.PutAsync("/cache/ac/one", Text);
        using var old = await GetAsync(node, "/cache/ac/one", "zstd");
        (await node.PutAsync("/cache/ac/one", Noise, ("If-None-Match", old.Headers.ETag!.ToString()))).StatusCode.ShouldBe(HttpStatusCode.PreconditionFailed);
        (await node.PutAsync("/cache/ac/one", Noise, ("If-None-Match", $"W/\"{TagOf(Text).Trim('"')}-gzip\""))).StatusCode.ShouldBe(HttpStatusCode.PreconditionFailed);
        (await node.PutAsync("/cache/ac/one", Noise, ("If-Match", $"W/\"{TagOf(Text).Trim('"')}-gzip\""))).StatusCode.ShouldBe(HttpStatusCode.PreconditionFailed, "a weak tag allows nothing");
        (await node.PutAsync("/cache/ac/one", Noise, ("If-Match", old.Headers.ETag!.ToString()))).StatusCode.ShouldBe(HttpStatusCode.OK);
        (await node.SendAsync(HttpMethod.Delete, "/cache/ac/one", ("If-Match", old.Headers.ETag!.ToString()))).StatusCode.ShouldBe(HttpStatusCode.PreconditionFailed);
        using var present = await GetAsync(node, "/cache/ac/one", "zstd");
        (await node.SendAsync(HttpMethod.Delete, "/cache/ac/one", ("If-Match", present.Headers.ETag!.ToString()))).StatusCode.ShouldBe(HttpStatusCode.NoContent);
    }

    [Fact]
    public async Task What_was_sent_how_and_why_is_counted()
    {
        await using var node = await TestNode.StartAsync();
        await node.PutAsync("/artifacts/one", Text);
        foreach (var accept in (string?[])[null, "gzip"])
            (await GetAsync(node, "/artifacts/one", accept)).Dispose();
        using var stored = await GetAsync(node, "/artifacts/one", "zstd");
        var metrics = await node.Client.GetStringAsync("/metrics");
        metrics.ShouldContain("edgecache_coded_responses_total{coding=\"identity\",reason=\"not_asked\"} 1");
        metrics.ShouldContain("edgecache_coded_responses_total{coding=\"zstd\",reason=\"stored\"} 1");
        metrics.ShouldContain("edgecache_coded_responses_total{coding=\"gzip\",reason=\"encoded\"} 1");
        var saved = Text.Length - (await stored.Content.ReadAsByteArrayAsync()).Length;
        metrics.ShouldContain(string.Create(CultureInfo.InvariantCulture, $"edgecache_coded_responses_saved_bytes_total{{coding=\"zstd\"}} {saved}"));
    }

    /// <summary>A node that stores everything as it is.</summary>
    private static Task<TestNode> StartPlainAsync(params (string Key, string Value)[] settings) => TestNode.StartAsync([("Storage:Compression:Enabled", "false"), .. settings]);

    private static Task<HttpResponseMessage> GetAsync(TestNode node, string path, string? accept, params (string Name, string Value)[] headers) =>
        node.GetAsync(path, accept is null ? headers : [.. headers, ("Accept-Encoding", accept)]);

    private static string CodingOf(HttpResponseMessage response) => response.Content.Headers.ContentEncoding.SingleOrDefault() ?? "identity";

    private static string TagOf(byte[] content) => $"\"{Convert.ToHexStringLower(SHA256.HashData(content))}\"";

    /// <summary>What describes the blob. How the body is framed is no part of it.</summary>
    private static string Fields(HttpResponseMessage response) => string.Join(
        '\n',
        response.Headers.Concat(response.Content.Headers).Where(h => h.Key is not ("Date" or "Transfer-Encoding")).OrderBy(h => h.Key).Select(h => $"{h.Key}: {string.Join(',', h.Value)}"));
}
