using EdgeCache.TestKit;

namespace EdgeCache.Storage.S3.Tests;

public sealed class ReadingTests(S3Fixture fixture) : S3StoreTest(fixture)
{
    private const int Length = (2 * S3StoreOptions.MinPartSize) + 4321;
    private static readonly BlobKey Key = Blobs.Key("read");

    [Fact]
    public async Task One_reader_reads_anywhere_whatever_it_was_opened_for()
    {
        var content = Blobs.Bytes(Length, seed: 5);
        var store = await OpenAsync();
        await store.PutAsync(Key, content);
        foreach (var expected in (ByteRange[])[ByteRange.Whole, new(1000, 500), new(Length - 10, long.MaxValue), new(long.MaxValue - 5, 100), new(0, 0), new(Length, 1)])
        {
            await using var reader = (await store.OpenReadAsync(Key, expected, Cancel)).Value.ShouldNotBeNull($"{expected}");
            reader.Metadata.Length.ShouldBe(Length);
            foreach (var (offset, length) in ((int, int)[])[(1000, 500), (1500, 100_000), (0, 10), (S3StoreOptions.MinPartSize - 1, 2), (Length - 10, 10), (0, 200_000)])
            {
                var buffer = new byte[length];
                await reader.ReadFullyAsync(offset, buffer);
                buffer.AsSpan().SequenceEqual(content.AsSpan(offset, length)).ShouldBeTrue($"{expected}: {offset}+{length}");
            }
            (await reader.ReadAsync(Length, new byte[1], Cancel)).ShouldBe(0);
        }
    }

    [Theory]
    [InlineData("\"abc\"")]
    [InlineData("\"not hexadecimal at all, no\"")]
    [InlineData("\"0123456789abcdef\"")]
    public async Task An_entity_tag_need_not_be_an_md5(string etag)
    {
        var content = Blobs.Bytes(100_000);
        var direct = await OpenAsync();
        await direct.PutAsync(Key, content);
        var server = await Fixture.RequireAsync();
        await using var proxy = new S3Proxy(server.Endpoint);
        proxy.Fail(S3Fault.WrongETag(etag), r => r.Call is S3Call.Get or S3Call.Head);
        var store = await OpenAsync(o => o with { Endpoint = proxy.Endpoint });
        var (read, metadata) = await store.GetAsync(Key);
        read.AsSpan().SequenceEqual(content).ShouldBeTrue();
        metadata.FarValidator.ShouldBe(etag);
    }

    [Fact]
    public async Task A_reader_never_mixes_two_versions()
    {
        var store = await OpenAsync();
        await store.PutAsync(Key, Blobs.Bytes(Length, seed: 1));
        await using var reader = (await store.OpenReadAsync(Key, new ByteRange(0, 1000), Cancel)).Value.ShouldNotBeNull();
        await reader.ReadFullyAsync(0, new byte[1000]);
        await store.PutAsync(Key, Blobs.Bytes(Length, seed: 2), new PutOptions { Replace = true });
        (await Should.ThrowAsync<IOException>(async () => await reader.ReadAsync(1000, new byte[10], Cancel))).Message.ShouldContain("replaced or deleted");
    }

    [Fact]
    public async Task Of_writers_of_many_nodes_one_wins_an_immutable_key()
    {
        // Each store is a node of its own: only the server stands between them.
        var stores = new List<S3Store>();
        for (var i = 0; i < 16; i++)
            stores.Add(await OpenAsync());
        for (var round = 0; round < 10; round++)
        {
            var key = Blobs.Key($"race{round}");
            var outcomes = await Task.WhenAll(stores.Select((s, i) => Task.Run(() => s.PutAsync(key, Blobs.Bytes(3000, seed: i % 4)))));
            var winner = (await stores[0].GetAsync(key)).Content;
            outcomes.Count(o => o.Value?.Effect == PutEffect.Created).ShouldBe(1);
            for (var i = 0; i < outcomes.Length; i++)
                outcomes[i].Status.ShouldBe(Blobs.Bytes(3000, seed: i % 4).AsSpan().SequenceEqual(winner) ? StoreStatus.Ok : StoreStatus.Exists);
        }
    }
}
