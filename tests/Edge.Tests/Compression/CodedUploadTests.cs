using System.IO.Compression;
using System.Net;
using System.Security.Cryptography;
using EdgeCache.TestKit;

namespace EdgeCache.Edge.Tests.Compression;

/// <summary>Uploads with a content coding: what is stored is the content, and what is checked is both.</summary>
public sealed class CodedUploadTests : IAsyncLifetime
{
    private static readonly byte[] Text = Contents.Text(3_000_000);
    private TestNode _node = null!;

    public static TheoryData<string> Codings => ["zstd", "lz4", "gzip"];

    public async ValueTask InitializeAsync() => _node = await TestNode.StartAsync(("Namespaces:cas:Verified", "true"), ("Namespaces:small:MaxBlobSize", "1000000"));

    public ValueTask DisposeAsync() => _node.DisposeAsync();

    [Theory]
    [MemberData(nameof(Codings))]
    public async Task The_content_is_stored_and_comes_back_to_who_asks_for_no_coding(string coding)
    {
        var payload = Coder.Encode(coding, Text);
        var key = Convert.ToHexStringLower(SHA256.HashData(Text));
        using var put = await _node.PutAsync($"/cache/cas/{key}", payload, ("Content-Encoding", coding), ("Repr-Digest", Digest("sha-256", payload)), ("Content-Digest", Digest("sha-512", payload)));
        put.StatusCode.ShouldBe(HttpStatusCode.Created);
        put.Headers.ETag.ShouldBeNull("what was sent is not what the tag of the content is about");

        using var got = await _node.GetAsync($"/cache/cas/{key}");
        got.Content.Headers.ContentEncoding.ShouldBeEmpty();
        (await got.Content.ReadAsByteArrayAsync()).ShouldBe(Text);
        got.Headers.ETag!.Tag.ShouldBe($"\"{key}\"");
        using var again = await _node.PutAsync($"/cache/cas/{key}", Text);
        again.StatusCode.ShouldBe(HttpStatusCode.OK, "the same content, however it came");
        (await _node.Client.GetStringAsync("/metrics")).ShouldContain($"edgecache_coded_uploads_total{{coding=\"{coding}\"}} 1");
    }

    [Theory]
    [InlineData("X-Gzip", "gzip")]
    [InlineData("ZSTD", "zstd")]
    public async Task The_names_of_codings_have_no_case_and_an_old_spelling(string name, string coding)
    {
        (await _node.PutAsync("/artifacts/a", Coder.Encode(coding, Text), ("Content-Encoding", name))).StatusCode.ShouldBe(HttpStatusCode.Created);
        (await (await _node.GetAsync("/artifacts/a")).Content.ReadAsByteArrayAsync()).ShouldBe(Text);
    }

    [Theory]
    [MemberData(nameof(Codings))]
    public async Task A_key_is_held_against_the_content_and_a_digest_against_what_is_sent(string coding)
    {
        var payload = Coder.Encode(coding, Text);
        using var wrongKey = await _node.PutAsync($"/cache/cas/{Convert.ToHexStringLower(SHA256.HashData(payload))}", payload, ("Content-Encoding", coding));
        wrongKey.StatusCode.ShouldBe(HttpStatusCode.BadRequest);
        foreach (var algorithm in (string[])["sha-256", "sha-512"])
        {
            using var wrongDigest = await _node.PutAsync("/artifacts/a", payload, ("Content-Encoding", coding), ("Repr-Digest", Digest(algorithm, Text)));
            wrongDigest.StatusCode.ShouldBe(HttpStatusCode.BadRequest);
        }
        (await _node.GetAsync("/artifacts/a")).StatusCode.ShouldBe(HttpStatusCode.NotFound);
    }

    [Theory]
    [InlineData("br")]
    [InlineData("deflate")]
    [InlineData("gzip, zstd")]
    [InlineData("identity, gzip")]
    [InlineData("gzip,")]
    [InlineData("aws-chunked")]
    public async Task A_coding_that_is_not_known_or_several_are_refused_with_those_that_are_taken(string coding)
    {
        using var put = await _node.PutAsync("/artifacts/a", Text, ("Content-Encoding", coding));
        put.StatusCode.ShouldBe(HttpStatusCode.UnsupportedMediaType);
        put.Headers.GetValues("Accept-Encoding").ShouldBe(["zstd, lz4, gzip"]);
    }

    [Theory]
    [MemberData(nameof(Codings))]
    public async Task What_is_cut_changed_followed_by_more_or_something_else_is_a_400_and_leaves_nothing(string coding)
    {
        var payload = Coder.Encode(coding, Text);
        var changed = (byte[])payload.Clone();
        changed[1] ^= 0xFF;
        foreach (var body in (byte[][])[payload[..^1], payload[..^5], payload[..(payload.Length / 2)], payload[..3], [], [.. payload, 1, 2, 3], [.. payload, .. "more of it"u8], changed, Text])
        {
            using var put = await _node.PutAsync("/artifacts/bad", body, ("Content-Encoding", coding));
            put.StatusCode.ShouldBe(HttpStatusCode.BadRequest, $"{body.Length} of {payload.Length}");
            (await put.Content.ReadAsStringAsync()).ShouldContain(coding);
        }
        (await _node.GetAsync("/artifacts/bad")).StatusCode.ShouldBe(HttpStatusCode.NotFound);
        (await _node.PutAsync("/artifacts/bad", payload, ("Content-Encoding", coding))).StatusCode.ShouldBe(HttpStatusCode.Created);
    }

    [Theory]
    [MemberData(nameof(Codings))]
    public async Task Several_frames_or_members_are_one_content(string coding)
    {
        byte[] payload = [.. Coder.Encode(coding, Text), .. Coder.Encode(coding, Text[..10]), .. Coder.Encode(coding, []), .. Coder.Encode(coding, Text[..1000])];
        (await _node.PutAsync("/artifacts/a", payload, ("Content-Encoding", coding))).StatusCode.ShouldBe(HttpStatusCode.Created);
        (await (await _node.GetAsync("/artifacts/a")).Content.ReadAsByteArrayAsync()).ShouldBe([.. Text, .. Text[..10], .. Text[..1000]]);
    }

    [Theory]
    [MemberData(nameof(Codings))]
    public async Task Content_beyond_the_limit_is_a_413_that_names_it_however_short_it_came(string coding)
    {
        using var put = await _node.PutAsync("/cache/small/a", Coder.Encode(coding, new byte[1_000_001]), ("Content-Encoding", coding));
        put.StatusCode.ShouldBe(HttpStatusCode.RequestEntityTooLarge);
        (await put.Content.ReadAsStringAsync()).ShouldContain("EdgeCache:Namespaces:small:MaxBlobSize");
        (await _node.PutAsync("/cache/small/a", Coder.Encode(coding, new byte[1_000_000]), ("Content-Encoding", coding))).StatusCode.ShouldBe(HttpStatusCode.Created);
    }

    [Fact]
    public async Task What_holds_no_content_does_not_come_for_ever()
    {
        // Frames to skip, of 64 KiB each, and none that holds content.
        var skipped = new byte[65_536];
        new byte[] { 0x50, 0x2A, 0x4D, 0x18, 0xF8, 0xFF, 0, 0 }.CopyTo(skipped, 0);
        var body = Enumerable.Repeat(skipped, 40).SelectMany(b => b).ToArray();
        using var put = await _node.PutAsync("/cache/small/a", body, ("Content-Encoding", "zstd"));
        put.StatusCode.ShouldBe(HttpStatusCode.RequestEntityTooLarge);
    }

    [Fact]
    public async Task A_frame_that_asks_for_a_huge_window_is_a_400_that_says_so()
    {
        // A frame header without the content's length, with a window of 1 GiB, and one raw block (RFC 8878, section 3.1.1.1.2).
        byte[] frame = [0x28, 0xB5, 0x2F, 0xFD, 0x00, 20 << 3, 0x09, 0x00, 0x00, 0x55];
        using var put = await _node.PutAsync("/artifacts/a", frame, ("Content-Encoding", "zstd"));
        put.StatusCode.ShouldBe(HttpStatusCode.BadRequest);
        (await put.Content.ReadAsStringAsync()).ShouldContain("window");
    }

    [Fact]
    public async Task Bombs_take_no_memory()
    {
        // A thousand and more bytes for one: 256 MiB of zeros would be as much memory, if anybody held it.
        var bombs = Codings.Select(c => (Coding: (string)c.Data, Payload: Bomb((string)c.Data, 1 << 28))).ToArray();
        bombs.ShouldAllBe(b => b.Payload.Length < (1 << 28) / 200);
        GC.Collect();
        var before = Environment.WorkingSet;
        foreach (var (coding, payload) in bombs)
        {
            var puts = await Task.WhenAll(Enumerable.Range(0, 8).Select(i => _node.PutAsync($"/cache/small/{coding}{i}", payload, ("Content-Encoding", coding))));
            puts.ShouldAllBe(p => p.StatusCode == HttpStatusCode.RequestEntityTooLarge);
        }
        (Environment.WorkingSet - before).ShouldBeLessThan(120 << 20);
    }

    [Fact]
    public async Task A_client_that_leaves_gives_its_place_back()
    {
        var half = Coder.Encode("zstd", Text)[..100];
        var gone = Enumerable.Range(0, 70).Select(i => _node.SendRawAsync(
            $"PUT /artifacts/gone{i} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TestNode.Token}\r\nContent-Encoding: zstd\r\nContent-Length: 100000\r\n\r\n{System.Text.Encoding.Latin1.GetString(half)}", closeAfterSending: true));
        await Task.WhenAll(gone);
        await Eventually.TrueAsync(
            async () => (await _node.PutAsync("/artifacts/after", Coder.Encode("zstd", Text), ("Content-Encoding", "zstd"))).IsSuccessStatusCode,
            TimeSpan.FromSeconds(20),
            "the places of those that left are free");
    }

    private static byte[] Bomb(string coding, int length)
    {
        if (coding == "lz4")
            return Coder.Encode(coding, new byte[length / 4]);
        using var made = new MemoryStream();
        if (coding == "zstd")
        {
            for (var i = 0; i < length >> 20; i++)
                made.Write(Coder.Encode(coding, new byte[1 << 20]));
            return made.ToArray();
        }
        using (var gzip = new GZipStream(made, CompressionLevel.Optimal))
        {
            for (var i = 0; i < length >> 20; i++)
                gzip.Write(new byte[1 << 20]);
        }
        return made.ToArray();
    }

    private static string Digest(string algorithm, byte[] bytes) =>
        $"{algorithm}=:{Convert.ToBase64String(algorithm == "sha-256" ? SHA256.HashData(bytes) : SHA512.HashData(bytes))}:";
}
