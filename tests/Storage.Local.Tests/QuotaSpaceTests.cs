using EdgeCache.TestKit;

namespace EdgeCache.Storage.Local.Tests;

/// <summary>A quota is of the disk space that blobs take, whatever that is.</summary>
public sealed class QuotaSpaceTests : EngineTest
{
    [Fact]
    public async Task A_quota_holds_also_where_files_take_more_than_their_length()
    {
        const long Quota = 400_000;
        var files = Files();
        files.ExtraBytes = 30_000;
        await using var store = await OpenAsync(files, roomTimeout: TimeSpan.FromSeconds(5), limits: new NamespaceLimits { QuotaBytes = Quota });
        for (var i = 0; i < 12; i++)
        {
            (await store.PutAsync(Blobs.Key($"k{i}"), Blobs.Bytes(100_000, seed: i), Replace)).Status.ShouldBe(StoreStatus.Ok);
            store.State.Namespaces.Single().Bytes.ShouldBeLessThanOrEqualTo(Quota);
        }
        (await store.PutAsync(Blobs.Key("all"), Blobs.Bytes(390_000), Replace)).Status.ShouldBe(StoreStatus.NoSpace, "it takes more than the whole quota");
        BlobFiles().Length.ShouldBe((int)store.State.Blobs);
    }
}
