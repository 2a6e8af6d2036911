using System.Net;
using System.Security.Cryptography;
using EdgeCache.Edge.Origins;
using EdgeCache.Storage;
using EdgeCache.TestKit;

namespace EdgeCache.Edge.Tests.Origins;

/// <summary>A server that knows nothing of us, no digests, no conditions on a PUT.</summary>
public sealed class PlainOriginTests : IAsyncLifetime
{
    private NginxServer _nginx = null!;
    private TestNode _front = null!;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private OriginStore Store => _front.Store();

    public async ValueTask InitializeAsync()
    {
        _nginx = await NginxServer.StartAsync();
        _front = await OriginNodes.StartFrontAsync([_nginx.Address], ("Storage:Origin:Kind", "http"), ("Storage:Origin:PathPrefix", "far/"));
    }

    public async ValueTask DisposeAsync()
    {
        if (_front is not null)
            await _front.DisposeAsync();
        if (_nginx is not null)
            await _nginx.DisposeAsync();
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1000)]
    [InlineData(3_000_000)]
    public async Task What_is_put_is_a_file_and_is_got(int length)
    {
        var content = Blobs.Bytes(length);
        var receipt = (await Store.PutAsync(Blobs.Key("a/b"), content)).Value.ShouldNotBeNull();
        (receipt.Effect, receipt.Stored).ShouldBe((PutEffect.Created, StoredWhere.Far));
        (await File.ReadAllBytesAsync(_nginx.FileOf("a/b"), Cancel)).ShouldBe(content);

        var (read, metadata) = await Store.GetAsync(Blobs.Key("a/b"));
        read.ShouldBe(content);
        metadata.Length.ShouldBe(length);
        metadata.Sha256.IsKnown.ShouldBeFalse();
        metadata.FarValidator.ShouldStartWith("\"");

        (await Store.DeleteAsync(Blobs.Key("a/b"), null, Cancel)).Value.ShouldNotBeNull().Length.ShouldBe(length);
        File.Exists(_nginx.FileOf("a/b")).ShouldBeFalse();
        (await Store.StatAsync(Blobs.Key("a/b"), Cancel)).Status.ShouldBe(StoreStatus.Missing);
    }

    [Theory]
    [InlineData(1000)]
    [InlineData(300_000)]
    public async Task Nothing_is_replaced_that_must_not_be_although_the_server_would(int length)
    {
        var content = Blobs.Bytes(length);
        await Store.PutAsync(Blobs.Key("k"), content);
        (await Store.PutAsync(Blobs.Key("k"), Blobs.Bytes(length, seed: 1))).Status.ShouldBe(StoreStatus.Exists);
        (await Store.PutAsync(Blobs.Key("k"), Blobs.Bytes(length + 1))).Status.ShouldBe(StoreStatus.Exists);
        (await Store.PutAsync(Blobs.Key("k"), content)).Value.ShouldNotBeNull().Effect.ShouldBe(PutEffect.Unchanged);
        (await File.ReadAllBytesAsync(_nginx.FileOf("k"), Cancel)).ShouldBe(content);
        (await Store.PutAsync(Blobs.Key("k"), "new"u8.ToArray(), new PutOptions { Replace = true })).Value.ShouldNotBeNull().Effect.ShouldBe(PutEffect.Replaced);
        (await File.ReadAllTextAsync(_nginx.FileOf("k"), Cancel)).ShouldBe("new");
    }

    [Fact]
    public async Task A_condition_is_held_against_what_is_there()
    {
        var none = new PutOptions { Replace = true, Condition = BlobCondition.Absent };
        var some = new PutOptions { Replace = true, Condition = new BlobCondition { MustExist = true } };
        (await Store.PutAsync(Blobs.Key("k"), "0"u8.ToArray(), some)).Status.ShouldBe(StoreStatus.PreconditionFailed);
        (await Store.PutAsync(Blobs.Key("k"), "1"u8.ToArray(), none)).Status.ShouldBe(StoreStatus.Ok);
        (await Store.PutAsync(Blobs.Key("k"), "2"u8.ToArray(), none)).Status.ShouldBe(StoreStatus.PreconditionFailed);
        (await Store.PutAsync(Blobs.Key("k"), Blobs.Bytes(200_000), none)).Status.ShouldBe(StoreStatus.PreconditionFailed);
        (await File.ReadAllTextAsync(_nginx.FileOf("k"), Cancel)).ShouldBe("1");
    }

    [Theory]
    [InlineData("PUT")]
    [InlineData("DELETE")]
    public async Task What_others_put_there_is_changed_under_the_entity_tag_that_it_has(string method)
    {
        await Store.PutAsync(Blobs.Key("k"), "theirs"u8.ToArray());
        using var got = await _front.GetAsync("/cache/test/k");
        var tag = got.Headers.ETag!.Tag;
        tag.Length.ShouldNotBe(66, "it is the server's own");

        (await ChangeAsync(method, ("If-Match", "\"another\""))).ShouldBe(HttpStatusCode.PreconditionFailed);
        (await ChangeAsync(method, ("If-None-Match", $"\"another\", {tag}"))).ShouldBe(HttpStatusCode.PreconditionFailed);
        (await File.ReadAllTextAsync(_nginx.FileOf("k"), Cancel)).ShouldBe("theirs");
        (await ChangeAsync(method, ("If-Match", $"\"another\", {tag}"))).ShouldBe(method == "PUT" ? HttpStatusCode.OK : HttpStatusCode.NoContent);
        if (method == "PUT")
            (await File.ReadAllTextAsync(_nginx.FileOf("k"), Cancel)).ShouldBe("ours");
        else
            File.Exists(_nginx.FileOf("k")).ShouldBeFalse();
    }

    private async Task<HttpStatusCode> ChangeAsync(string method, (string, string) condition)
    {
        using var answer = method == "PUT" ? await _front.PutAsync("/cache/test/k", "ours"u8.ToArray(), condition) : await _front.SendAsync(HttpMethod.Delete, "/cache/test/k", condition);
        return answer.StatusCode;
    }

    [Fact]
    public async Task A_write_that_is_given_up_leaves_nothing()
    {
        await using (var writer = (await Store.OpenWriteAsync(Blobs.Key("k"), new PutOptions { ExpectedLength = 200_000 }, Cancel)).Value.ShouldNotBeNull())
            (await writer.WriteAsync(Blobs.Bytes(200_000), Cancel)).ShouldBe(StoreStatus.Ok);
        var wrong = new PutOptions { ExpectedSha256 = new Sha256Digest(SHA256.HashData("other"u8)) };
        (await Store.PutAsync(Blobs.Key("k"), Blobs.Bytes(200_000), wrong)).Status.ShouldBe(StoreStatus.DigestMismatch);
        (await Store.StatAsync(Blobs.Key("k"), Cancel)).Status.ShouldBe(StoreStatus.Missing);
    }

    [Fact]
    public async Task What_is_too_long_for_the_server_is_too_large()
    {
        var content = Blobs.Bytes(11 << 20);
        (await Store.PutAsync(Blobs.Key("k"), content, new PutOptions { ExpectedLength = content.Length })).Status.ShouldBe(StoreStatus.TooLarge);
    }
}
