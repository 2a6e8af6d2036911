using System.Security.Cryptography;
using Amazon.S3.Model;
using EdgeCache.TestKit;

namespace EdgeCache.Storage.S3.Tests;

/// <summary>Objects that something else put into the bucket.</summary>
public sealed class ForeignObjectTests(S3Fixture fixture) : S3StoreTest(fixture)
{
    private static readonly BlobKey Key = Blobs.Key("theirs");

    [Fact]
    public async Task An_object_of_others_is_served_with_what_its_server_knows_and_without_a_digest()
    {
        var content = Blobs.Bytes(10_000);
        var etag = await PutAsync("test/theirs", content);
        var store = await OpenAsync();

        var (read, metadata) = await store.GetAsync(Key);

        read.ShouldBe(content);
        (metadata.Length, metadata.ContentType, metadata.FarValidator, metadata.Writer).ShouldBe((10_000, "text/plain", etag, ""));
        metadata.Sha256.IsKnown.ShouldBeFalse();
        metadata.StoredHeaders.ShouldBe([new("content-encoding", "br")]);
        metadata.Generation.ShouldBeGreaterThan(0);
        metadata.Created.ShouldBeGreaterThan(TimeProvider.System.GetUtcNow().AddHours(-1));
        var listed = new List<string>();
        await foreach (var item in store.ListAsync(new BlobPrefix("test"), Cancel))
            listed.Add($"{item.Key}:{item.Length}");
        listed.ShouldBe(["test/theirs:10000"]);
        (await store.DeleteAsync(Key, new BlobCondition { MustExist = true }, Cancel)).Status.ShouldBe(StoreStatus.Ok);
        (await store.StatAsync(Key, Cancel)).Status.ShouldBe(StoreStatus.Missing);
    }

    [Fact]
    public async Task What_others_write_beside_an_object_sets_no_field_that_anybody_obeys_and_ends_none()
    {
        using var client = await Fixture.NewClientAsync();
        var request = new PutObjectRequest { BucketName = Fixture.Bucket, Key = $"{Prefix}test/theirs", InputStream = new MemoryStream([1]) };
        request.Metadata["edgecache-headers"] = "set-cookie=a&x-frame-options=b&x-good=c&x-bad=d%0D%0Aset-cookie:%20e&content-language=de";
        request.Metadata["edgecache-type"] = "text/html%0D%0Aset-cookie:%20a";
        request.Metadata["edgecache-validator"] = "%22v%22%0D%0Aset-cookie:%20a";
        await client.PutObjectAsync(request, Cancel);
        var store = await OpenAsync();

        var (_, metadata) = await store.GetAsync(Key);

        metadata.StoredHeaders.ShouldBe([new("x-good", "c"), new("content-language", "de")]);
        (metadata.ContentType, metadata.FarValidator.Contains('v')).ShouldBe((BlobMetadata.DefaultContentType, false));
    }

    [Fact]
    public async Task Only_the_same_bytes_count_as_already_there()
    {
        var content = Blobs.Bytes(200_000);
        await PutAsync("test/theirs", content);
        var store = await OpenAsync();

        (await store.PutAsync(Key, Blobs.Bytes(200_000, seed: 1))).Status.ShouldBe(StoreStatus.Exists);
        var same = (await store.PutAsync(Key, content)).Value.ShouldNotBeNull();

        same.Effect.ShouldBe(PutEffect.Unchanged);
        same.Metadata.Sha256.ShouldBe(new Sha256Digest(SHA256.HashData(content)));
    }

    [Fact]
    public async Task A_digest_that_nobody_knows_equals_none()
    {
        await PutAsync("test/theirs", "x"u8.ToArray());
        var store = await OpenAsync();
        var (_, metadata) = await store.GetAsync(Key);

        var named = new BlobCondition { AnyOf = [metadata.Sha256, new Sha256Digest(SHA256.HashData("x"u8))] };
        (await store.DeleteAsync(Key, named, Cancel)).Status.ShouldBe(StoreStatus.PreconditionFailed);
        var other = new BlobCondition { NoneOf = [metadata.Sha256] };
        (await store.PutAsync(Key, "y"u8.ToArray(), new PutOptions { Replace = true, Condition = other })).Value.ShouldNotBeNull().Effect.ShouldBe(PutEffect.Replaced);
    }

    [Fact]
    public async Task Objects_that_no_key_names_are_in_no_listing()
    {
        foreach (var name in (string[])["test/good", "test/with space", "test/", "test//a", "test/(", "test/(t", "test/()/a", "test/(T)/a", "test/(t)/a", "test/./a", "testing/a", "test/ключ"])
            await PutAsync(name, "x"u8.ToArray());
        var store = await OpenAsync();
        var listed = new List<string>();
        await foreach (var item in store.ListAsync(new BlobPrefix("test"), Cancel))
            listed.Add(item.Key.ToString());
        listed.ShouldBe(["test/good", "test/[t]/a"]);
    }

    [Fact]
    public async Task Content_that_is_not_what_its_digest_says_is_never_read_to_the_end()
    {
        await PutAsync("test/theirs", Blobs.Bytes(300_000), new Sha256Digest(SHA256.HashData("something else"u8)).ToHex());
        var store = await OpenAsync();
        await Should.ThrowAsync<BlobDamagedException>(() => store.GetAsync(Key));
    }

    [Fact]
    public async Task What_breaks_on_the_way_is_noticed_by_the_digest_that_the_ETag_is()
    {
        await PutAsync("test/theirs", Blobs.Bytes(300_000));
        await using var proxy = new S3Proxy((await Fixture.RequireAsync()).Endpoint);
        proxy.Fail(S3Fault.FlipBit(150_000), r => r.Call == S3Call.Get);
        var store = await OpenAsync(o => o with { Endpoint = proxy.Endpoint });

        (await Should.ThrowAsync<BlobDamagedException>(() => store.GetAsync(Key))).Message.ShouldContain("MD5");
    }

    [Fact]
    public async Task Content_that_is_good_by_its_own_digest_is_good_whatever_the_ETag_says()
    {
        await using var proxy = new S3Proxy((await Fixture.RequireAsync()).Endpoint);
        proxy.Fail(S3Fault.WrongETag("\"00000000000000000000000000000000\""), r => r.Call == S3Call.Get);
        var store = await OpenAsync(o => o with { Endpoint = proxy.Endpoint });
        var content = Blobs.Bytes(300_000);
        await store.PutAsync(Key, content);
        (await store.GetAsync(Key)).Content.AsSpan().SequenceEqual(content).ShouldBeTrue();
    }

    [Theory]
    [InlineData("not a digest")]
    [InlineData("0000000000000000000000000000000000000000000000000000000000000000")]
    public async Task Metadata_that_makes_no_sense_counts_as_none(string digest)
    {
        await PutAsync("test/theirs", "x"u8.ToArray(), digest);
        var store = await OpenAsync();
        (await store.GetAsync(Key)).Metadata.Sha256.IsKnown.ShouldBeFalse();
    }

    private async Task<string> PutAsync(string name, byte[] content, string? digest = null)
    {
        using var client = await Fixture.NewClientAsync();
        var request = new PutObjectRequest { BucketName = Fixture.Bucket, Key = Prefix + name, InputStream = new MemoryStream(content), ContentType = "text/plain", UseChunkEncoding = false };
        if (digest is null)
            request.Headers.ContentEncoding = "br";
        else
            request.Metadata["edgecache-sha256"] = digest;
        foreach (var (field, value) in (Dictionary<string, string>)new() { ["edgecache-created"] = "-5", ["edgecache-generation"] = "x", ["edgecache-fields"] = "9:!,:,x", ["edgecache-headers"] = "=a&b" })
            request.Metadata[field] = value;
        return (await client.PutObjectAsync(request, Cancel)).ETag;
    }
}
