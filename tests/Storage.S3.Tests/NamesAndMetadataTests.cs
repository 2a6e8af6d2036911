using EdgeCache.TestKit;

namespace EdgeCache.Storage.S3.Tests;

public sealed class NamesAndMetadataTests(S3Fixture fixture) : S3StoreTest(fixture)
{
    private const string Alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~@+=";

    public static TheoryData<string, string> Keys => new()
    {
        { "", Alphabet },
        { "", "a/b.c/~d@e+f=/..g" },
        { "", "%41".Replace("%", "=", StringComparison.Ordinal) },
        { "tenant-1", "+=+/@" },
        { "", new string('k', BlobKey.MaxKeyLength) },
    };

    [Theory]
    [MemberData(nameof(Keys))]
    public async Task Every_character_of_a_key_survives_in_every_call(string tenant, string text)
    {
        var store = await OpenAsync();
        var key = BlobKey.Create("test", tenant, text);
        await store.PutAsync(key, "content"u8.ToArray());

        (await store.GetAsync(key)).Content.ShouldBe("content"u8.ToArray());
        var listed = new List<BlobKey>();
        await foreach (var item in store.ListAsync(new BlobPrefix("test"), Cancel))
            listed.Add(item.Key);
        listed.ShouldBe([key]);
        using var client = await Fixture.NewClientAsync();
        var objects = (await client.ListObjectsV2Async(new() { BucketName = Fixture.Bucket, Prefix = Prefix }, Cancel)).S3Objects;
        objects.ShouldHaveSingleItem().Key.ShouldBe($"{Prefix}test/{(tenant.Length > 0 ? $"({tenant})/" : "")}{text}");
        (await store.DeleteAsync(key, null, Cancel)).Status.ShouldBe(StoreStatus.Ok);
        (await store.StatAsync(key, Cancel)).Status.ShouldBe(StoreStatus.Missing);
    }

    [Fact]
    public async Task A_listing_of_all_tenants_is_in_the_order_of_tenant_and_key_over_many_pages()
    {
        var store = await OpenAsync();
        (string Tenant, string Key)[] keys = [("", "+"), ("", "b"), ("", "b/c"), ("t", "a"), ("t", "z"), ("t-a", "a"), ("t0", "a")];
        foreach (var (tenant, key) in keys.Reverse())
            await store.PutAsync(BlobKey.Create("test", tenant, key), "x"u8.ToArray());
        var listed = new List<(string, string)>();
        await foreach (var item in store.ListAsync(new BlobPrefix("test"), Cancel))
            listed.Add((item.Key.Tenant, item.Key.Key));
        listed.ShouldBe(keys);
    }

    [Theory]
    [InlineData(0, 0, true)]
    [InlineData(1, 1, true)]
    [InlineData((3 << 20) + 1, 4, true)]
    [InlineData(S3StoreOptions.MinPartSize + 1, 6, false)]
    [InlineData(S3StoreOptions.MinPartSize + 1, 6, true)]
    public async Task What_we_write_has_the_checksums_of_its_blocks_beside_it(int length, int blocks, bool isKnown)
    {
        var store = await OpenAsync();
        var content = Blobs.Bytes(length);
        var builder = new BlockChecksumBuilder();
        builder.Append(content);
        var options = isKnown ? new PutOptions { ExpectedSha256 = new Sha256Digest(System.Security.Cryptography.SHA256.HashData(content)), Checksums = builder.End() } : new PutOptions();
        (await store.PutAsync(Blobs.Key("sums"), content, options)).Status.ShouldBe(StoreStatus.Ok);

        var checksums = (await store.StatAsync(Blobs.Key("sums"), Cancel)).Value.ShouldNotBeNull().Checksums;

        (checksums?.Count ?? 0).ShouldBe(blocks);
        for (var i = 0; i < blocks; i++)
            checksums![i].ShouldBe(Crc32C.Of(content.AsSpan(i << 20, Math.Min(1 << 20, length - (i << 20)))));
    }

    [Fact]
    public async Task Checksums_for_which_there_is_no_room_are_left_out()
    {
        var store = await OpenAsync();
        var builder = new BlockChecksumBuilder();
        for (var i = 0; i < 128; i++)
            builder.Append(new byte[1 << 20]);
        var blob = new PutOptions { Tags = [new string('t', 1500)], Checksums = builder.End() };
        (await store.PutAsync(Blobs.Key("tags"), [1, 2, 3], blob)).Status.ShouldBe(StoreStatus.Ok);
        ObjectMetadata.Write(blob.Draft(Blobs.Key("tags"), default) with { Checksums = blob.Checksums }).Sum(f => f.Key.Length + f.Value.Length).ShouldBeLessThanOrEqualTo(ObjectMetadata.MaxLength);
    }

    [Theory]
    [InlineData("not base64!")]
    [InlineData("AAAA")]
    [InlineData("AAAAAAAAAAA=")]
    [InlineData("")]
    public async Task Checksums_that_can_not_be_of_the_content_count_as_none(string text)
    {
        using var client = await Fixture.NewClientAsync();
        var request = new Amazon.S3.Model.PutObjectRequest { BucketName = Fixture.Bucket, Key = $"{Prefix}test/odd", InputStream = new MemoryStream([1]) };
        if (text.Length > 0)
            request.Metadata["edgecache-crc32c"] = text;
        await client.PutObjectAsync(request, Cancel);
        var (content, metadata) = await (await OpenAsync()).GetAsync(Blobs.Key("odd"));
        (content.Length, metadata.Checksums).ShouldBe((1, null));
    }

    [Fact]
    public async Task What_headers_can_not_carry_comes_back_as_it_was()
    {
        var store = await OpenAsync();
        var options = new PutOptions
        {
            ContentType = "text",
            Writer = "Zoë Ω, 100 %",
            Tags = ["a,b", "c&d=e", "", "日本\n"],
            StoredHeaders = [new("x-a", "1=2&3"), new("x-b", ""), new("x-a", "again")],
            UnknownFields = [new UnknownField(7, ReadOnlyMemory<byte>.Empty), new UnknownField(65535, new byte[] { 0, 255 })],
        };
        await store.PutAsync(Blobs.Key("odd"), "x"u8.ToArray(), options);

        var read = (await store.StatAsync(Blobs.Key("odd"), Cancel)).Value.ShouldNotBeNull();

        (read.ContentType, read.Writer).ShouldBe(("text", options.Writer));
        read.Tags.ShouldBe(options.Tags);
        read.StoredHeaders.ShouldBe(options.StoredHeaders);
        read.UnknownFields.Select(f => (f.Type, Convert.ToHexString(f.Value.Span))).ShouldBe([((ushort)7, ""), ((ushort)65535, "00FF")]);
    }

    [Fact]
    public async Task Metadata_beyond_what_S3_keeps_is_refused_before_any_content_and_up_to_that_kept()
    {
        var store = await OpenAsync();
        static PutOptions Tagged(int length) => new() { Tags = [new string('t', length)] };
        var refused = await store.OpenWriteAsync(Blobs.Key("tags"), Tagged(2048), Cancel);
        refused.Status.ShouldBe(StoreStatus.TooLarge);
        refused.Detail.ShouldNotBeNull().ShouldContain("2048");

        (await store.PutAsync(Blobs.Key("tags"), "x"u8.ToArray(), Tagged(1850))).Status.ShouldBe(StoreStatus.Ok);
        (await store.GetAsync(Blobs.Key("tags"))).Metadata.Tags.ShouldHaveSingleItem().Length.ShouldBe(1850);
    }
}
