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
