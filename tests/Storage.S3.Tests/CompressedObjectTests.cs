using System.Security.Cryptography;
using Amazon.S3.Model;
using EdgeCache.Codecs.Zstd;
using EdgeCache.Storage.S3.Tests.Tiering;
using EdgeCache.TestKit;

namespace EdgeCache.Storage.S3.Tests;

/// <summary>Objects that are stored as zstd.</summary>
public sealed class CompressedObjectTests(S3Fixture fixture) : S3StoreTest(fixture)
{
    private static readonly BlobKey Key = Blobs.Key("coded");

    [Theory]
    [InlineData(1_000, true)]
    [InlineData((1 << 20) + 1, true)]
    [InlineData((3 << 20) + 17, false)]
    [InlineData(30 << 20, true)]
    [InlineData(30 << 20, false)]
    public async Task What_shrinks_is_one_zstd_stream_that_the_real_tool_reads_and_every_store_serves_as_content(int length, bool isDigestKnown)
    {
        var store = await OpenAsync(Idle.Compressing);
        var content = Contents.Text(length);
        var digest = new Sha256Digest(SHA256.HashData(content));

        var put = await store.PutAsync(Key, content, new PutOptions { ExpectedLength = length, ExpectedSha256 = isDigestKnown ? digest : null, ContentType = "text/plain" });

        put.Value.ShouldNotBeNull().Metadata.Length.ShouldBe(length);
        var (payload, answer) = await ObjectAsync();
        (answer.Headers.ContentEncoding, answer.Headers.ContentType, answer.Metadata["edgecache-sha256"]).ShouldBe(("zstd", "text/plain", digest.ToHex()));
        payload.Length.ShouldBeLessThan(length / 2 + 100);
        (await DecodedByToolAsync(payload)).AsSpan().SequenceEqual(content).ShouldBeTrue();
        foreach (var reading in (S3Store[])[store, await OpenAsync()])
        {
            var stat = (await reading.StatAsync(Key, Cancel)).Value.ShouldNotBeNull();
            (stat.Length, stat.Sha256, stat.Coding, stat.PayloadLength, stat.StoredHeaders.Count).ShouldBe((length, digest, "", length, 0));
            stat.Checksums.ShouldNotBeNull().ToString().ShouldBe(Checksums(content));
            var (read, metadata) = await reading.GetAsync(Key);
            read.AsSpan().SequenceEqual(content).ShouldBeTrue();
            metadata.Sha256.ShouldBe(digest);
            await RangesAsync(reading, content);
        }
    }

    [Fact]
    public async Task What_does_not_shrink_or_is_off_or_too_short_or_of_unknown_length_is_stored_as_it_is()
    {
        var store = await OpenAsync(Idle.Compressing);
        await PutAsync(store, Blobs.Bytes(300_000), 300_000);
        await PutAsync(store, Contents.Text(63), 63);
        await PutAsync(store, Contents.Text((1 << 20) + 1), announced: null);
        await PutAsync(await OpenAsync(), Contents.Text(300_000), 300_000);

        async Task PutAsync(S3Store to, byte[] content, long? announced)
        {
            (await to.PutAsync(Key, content, new PutOptions { ExpectedLength = announced, Replace = true })).Status.ShouldBe(StoreStatus.Ok);
            var (payload, answer) = await ObjectAsync();
            payload.AsSpan().SequenceEqual(content).ShouldBeTrue();
            answer.Headers.ContentEncoding.ShouldBeNullOrEmpty();
        }
    }

    [Fact]
    public async Task The_same_content_is_the_same_in_both_forms()
    {
        var content = Contents.Text(200_000);
        (await (await OpenAsync(Idle.Compressing)).PutAsync(Key, content)).Value.ShouldNotBeNull().Effect.ShouldBe(PutEffect.Created);
        var plain = await OpenAsync();
        (await plain.PutAsync(Key, content)).Value.ShouldNotBeNull().Effect.ShouldBe(PutEffect.Unchanged);
        (await plain.PutAsync(Key, content, new PutOptions { Replace = true })).Value.ShouldNotBeNull().Effect.ShouldBe(PutEffect.Unchanged);
        (await plain.PutAsync(Key, Contents.Text(200_000, seed: 1))).Status.ShouldBe(StoreStatus.Exists);
        (await ObjectAsync()).Answer.Headers.ContentEncoding.ShouldBe("zstd");
    }

    [Fact]
    public async Task A_read_costs_one_request_and_a_range_the_table_and_the_frames_that_it_touches()
    {
        await using var proxy = new S3Proxy((await Fixture.RequireAsync()).Endpoint);
        var store = await OpenAsync(o => Idle.Compressing(o) with { Endpoint = proxy.Endpoint });
        var content = Contents.Text(8 << 20);
        await store.PutAsync(Key, content, new PutOptions { ExpectedLength = content.Length });

        (await store.GetAsync(Key)).Content.AsSpan().SequenceEqual(content).ShouldBeTrue();
        (proxy.Count(S3Call.Get), proxy.Count(S3Call.GetRange)).ShouldBe((1, 0));
        await using var reader = (await store.OpenReadAsync(Key, new Storage.ByteRange(5_000_000, 100), Cancel)).Value.ShouldNotBeNull();
        var part = new byte[100];
        await reader.ReadFullyAsync(5_000_000, part);
        part.ShouldBe(content[5_000_000..5_000_100]);
        (proxy.Count(S3Call.Get), proxy.Count(S3Call.GetRange)).ShouldBe((1, 3), "the answer that told what it is, the table, the frame");
    }

    [Theory]
    [InlineData(1_000)]
    [InlineData(600_000)]
    public async Task A_flipped_bit_is_found_and_nothing_is_published(long offset)
    {
        var content = Contents.Text(3 << 20);
        await (await OpenAsync(Idle.Compressing)).PutAsync(Key, content, new PutOptions { ExpectedLength = content.Length });
        await using var node = await TieredNode.OpenAsync(await Fixture.RequireAsync(), await OptionsAsync());
        node.Proxy.Fail(S3Fault.FlipBit(offset), r => r.Call == S3Call.Get);

        await Should.ThrowAsync<IOException>(() => node.Store.GetAsync(Key));
        await node.SettleAsync();
        (await node.Near.StatAsync(Key, Cancel)).Status.ShouldBe(StoreStatus.Missing);

        node.Proxy.Heal();
        (await node.Store.GetAsync(Key)).Content.AsSpan().SequenceEqual(content).ShouldBeTrue();
        await node.SettleAsync();
        (await node.Near.StatAsync(Key, Cancel)).Value.ShouldNotBeNull().Length.ShouldBe(content.Length);
    }

    [Fact]
    public async Task Whatever_is_wrong_with_an_object_is_a_fault_and_never_other_bytes()
    {
        var content = Contents.Text(2_500_000);
        var store = await OpenAsync(Idle.Compressing);
        await store.PutAsync(Key, content, new PutOptions { ExpectedLength = content.Length });
        var (payload, answer) = await ObjectAsync();
        var fields = answer.Metadata;

        // All frames are there: who reads everything has the digest, who begins elsewhere has only the table.
        await FailsAsync(payload[..^1], from: 1_500_000);
        await FailsAsync([.. payload, 0], from: 1_500_000);
        await FailsAsync([.. payload[..^40], .. payload[^40..].Select(b => (byte)~b)], from: 1_500_000);
        await FailsAsync(payload[..^1000]);
        await FailsAsync(content);
        await FailsAsync([]);
        await FailsAsync(payload, 0, ("edgecache-length", "2500001"));
        await FailsAsync(payload, 0, ("edgecache-length", "9223372036854775807"));
        await FailsAsync(payload, 0, ("edgecache-sha256", new Sha256Digest(SHA256.HashData("other"u8)).ToHex()));

        async Task FailsAsync(byte[] bytes, long from = 0, params (string Name, string Value)[] changes)
        {
            await PutObjectAsync(bytes, "zstd", [.. fields.Keys.Select(k => (k, fields[k])), .. changes]);
            var opened = await store.OpenReadAsync(Key, Storage.ByteRange.Whole, Cancel);
            await using var reader = opened.Value.ShouldNotBeNull();
            await Should.ThrowAsync<BlobDamagedException>(() => ReadAsync(reader, content, from));
        }
    }

    [Fact]
    public async Task An_object_whose_coding_was_lost_by_a_copy_is_still_content_and_one_that_others_coded_is_as_it_is()
    {
        var content = Contents.Text(200_000);
        var store = await OpenAsync(Idle.Compressing);
        await store.PutAsync(Key, content);
        var (payload, answer) = await ObjectAsync();

        await PutObjectAsync(payload, coding: null, [.. answer.Metadata.Keys.Select(k => (k, answer.Metadata[k]))]);
        (await store.GetAsync(Key)).Content.AsSpan().SequenceEqual(content).ShouldBeTrue();

        await PutObjectAsync(payload, "zstd", []);
        var (theirs, metadata) = await store.GetAsync(Key);
        theirs.ShouldBe(payload);
        metadata.StoredHeaders.ShouldBe([new("content-encoding", "zstd")]);
        metadata.Sha256.IsKnown.ShouldBeFalse();
    }

    [Fact]
    public async Task Nobody_is_sent_to_a_compressed_object_whatever_is_remembered_of_the_blob()
    {
        var store = await OpenAsync(Idle.Compressing);
        await store.PutAsync(Key, Blobs.Bytes(100_000));
        var remembered = (await store.StatAsync(Key, Cancel)).Value.ShouldNotBeNull();
        (await store.PresignAsync(remembered, TimeSpan.FromMinutes(5), Cancel)).ShouldNotBeNull();

        await store.PutAsync(Key, Contents.Text(100_000), new PutOptions { Replace = true });
        (await store.PresignAsync(remembered, TimeSpan.FromMinutes(5), Cancel)).ShouldBeNull();
    }

    [Fact]
    public async Task Without_the_library_a_compressed_object_says_what_is_missing_and_nothing_new_is_compressed()
    {
        await (await OpenAsync(Idle.Compressing)).PutAsync(Key, Contents.Text(100_000));
        var store = await OpenAsync(o => Idle.Compressing(o) with { Zstd = new ZstdCodec(new(), ["no-such-library.so"]) });

        (await store.StatAsync(Key, Cancel)).Value.ShouldNotBeNull().Length.ShouldBe(100_000);
        var opened = await store.OpenReadAsync(Key, Storage.ByteRange.Whole, Cancel);
        (opened.Status, opened.Detail.ShouldNotBeNull().Contains("stored as zstd", StringComparison.Ordinal)).ShouldBe((StoreStatus.Unavailable, true));
        await store.PutAsync(Key, Contents.Text(100_001), new PutOptions { Replace = true });
        (await store.GetAsync(Key)).Content.ShouldBe(Contents.Text(100_001));
    }

    [Fact]
    public async Task More_uploads_than_may_be_compressed_at_a_time_are_stored_all_the_same()
    {
        var store = await OpenAsync(Idle.Compressing);
        var content = Contents.Text(200_000);
        var writers = await Task.WhenAll(Enumerable.Range(0, 40).Select(async i => (await store.OpenWriteAsync(Blobs.Key($"many{i}"), new PutOptions { ExpectedLength = content.Length }, Cancel)).Value.ShouldNotBeNull()));
        var coded = 0;
        for (var i = 0; i < writers.Length; i++)
        {
            (await writers[i].WriteAsync(content, Cancel)).ShouldBe(StoreStatus.Ok);
            if (i % 4 != 3)
                (await writers[i].CommitAsync(Cancel)).Status.ShouldBe(StoreStatus.Ok);
        }
        foreach (var writer in writers)
            await writer.DisposeAsync();
        for (var i = 0; i < writers.Length; i++)
        {
            if (i % 4 == 3)
                continue;
            (await store.GetAsync(Blobs.Key($"many{i}"))).Content.ShouldBe(content);
            coded += (await ObjectAsync($"test/many{i}")).Answer.Headers.ContentEncoding == "zstd" ? 1 : 0;
        }
        coded.ShouldBeInRange(1, 29, "some found no place");
        // Those that were given up have given their places back.
        await store.PutAsync(Key, content);
        (await ObjectAsync()).Answer.Headers.ContentEncoding.ShouldBe("zstd");
    }

    private static async Task RangesAsync(S3Store store, byte[] content)
    {
        var random = new Random(content.Length);
        for (var i = 0; i < 6; i++)
        {
            var offset = i == 0 ? content.Length - 1 : random.Next(content.Length);
            var part = new byte[Math.Min(content.Length - offset, random.Next(1, 1_500_000))];
            await using var reader = (await store.OpenReadAsync(Key, new Storage.ByteRange(offset, part.Length), Cancel)).Value.ShouldNotBeNull();
            await reader.ReadFullyAsync(offset, part);
            part.AsSpan().SequenceEqual(content.AsSpan(offset, part.Length)).ShouldBeTrue();
        }
    }

    /// <summary>Reads on to where it fails; what comes before that must be content.</summary>
    private static async Task ReadAsync(IBlobReader reader, byte[] content, long offset)
    {
        var buffer = new byte[100_000];
        while (true)
        {
            var read = await reader.ReadAsync(offset, buffer, Cancel);
            if (read == 0)
                return;
            buffer.AsSpan(0, read).SequenceEqual(content.AsSpan((int)offset, read)).ShouldBeTrue();
            offset += read;
        }
    }

    private static string Checksums(byte[] content)
    {
        var builder = new BlockChecksumBuilder();
        builder.Append(content);
        return builder.End().ShouldNotBeNull().ToString();
    }

    private static async Task<byte[]> DecodedByToolAsync(byte[] payload)
    {
        var run = await ToolRun.RunAsync(Tools.Require("zstd", "zstd"), ["-d", "-c"], payload);
        return System.Text.Encoding.Latin1.GetBytes(run.Succeeded());
    }

    private async Task<(byte[] Payload, GetObjectResponse Answer)> ObjectAsync(string name = "test/coded")
    {
        using var client = await Fixture.NewClientAsync();
        using var answer = await client.GetObjectAsync(new GetObjectRequest { BucketName = Fixture.Bucket, Key = Prefix + name }, Cancel);
        using var payload = new MemoryStream();
        await answer.ResponseStream.CopyToAsync(payload, Cancel);
        return (payload.ToArray(), answer);
    }

    private async Task PutObjectAsync(byte[] bytes, string? coding, IEnumerable<(string Name, string Value)> fields)
    {
        using var client = await Fixture.NewClientAsync();
        var request = new PutObjectRequest { BucketName = Fixture.Bucket, Key = $"{Prefix}test/coded", InputStream = new MemoryStream(bytes), UseChunkEncoding = false };
        if (coding is not null)
            request.Headers.ContentEncoding = coding;
        foreach (var (name, value) in fields)
            request.Metadata[name] = value;
        await client.PutObjectAsync(request, Cancel);
    }
}
