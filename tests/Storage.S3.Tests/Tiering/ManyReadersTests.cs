using EdgeCache.TestKit;

namespace EdgeCache.Storage.S3.Tests.Tiering;

public sealed class ManyReadersTests(S3Fixture fixture) : S3StoreTest(fixture)
{
    private const int Length = 64 << 20;
    private const int Readers = 200;

    [Fact]
    public async Task Two_hundred_readers_of_a_blob_that_is_not_here_cost_one_fetch_and_all_get_the_right_bytes()
    {
        var content = Blobs.Bytes(Length);
        var key = Blobs.Key("large");
        var direct = await OpenAsync();
        (await direct.PutAsync(key, content)).Status.ShouldBe(StoreStatus.Ok);
        await using var node = await TieredNode.OpenAsync(await Fixture.RequireAsync(), await OptionsAsync());
        var gate = node.Proxy.Hold(r => r.Call == S3Call.Get);

        // Every fifth reads the beginning, a part in the middle, or the end; the others everything.
        var readers = Enumerable.Range(0, Readers).Select(i => Task.Run(() => ReadAsync(node, key, PartOf(i), content))).ToArray();
        await gate.Reached;
        await Eventually.TrueAsync(() => node.Tier.CollapsedReads == Readers - 1, TimeSpan.FromSeconds(30), "all readers but the first join the fetch");
        gate.Open();
        await Task.WhenAll(readers);

        await node.SettleAsync();
        var name = $"{Prefix}test/large";
        node.Proxy.Count(S3Call.Get, name).ShouldBe(1);
        node.Proxy.Count(S3Call.GetRange, name).ShouldBe((int)node.Tier.DirectReads, "parts that are far ahead of the fetch, and nothing else");
        (node.Tier.Fills, node.Tier.StoredFills).ShouldBe((1, 1));
        node.Proxy.Forget();
        (await node.Near.GetAsync(key)).Content.AsSpan().SequenceEqual(content).ShouldBeTrue();
        await ReadAsync(node, key, ByteRange.Whole, content);
        node.Proxy.Requests.ShouldBeEmpty();
    }

    private static ByteRange PartOf(int reader) => (reader % 15) switch
    {
        0 => new ByteRange(0, 1000),
        5 => new ByteRange((Length / 2) - 7, 300_000),
        10 => new ByteRange(Length - 1000, 1000),
        _ => ByteRange.Whole,
    };

    private static async Task ReadAsync(TieredNode node, BlobKey key, ByteRange part, byte[] content)
    {
        await using var reader = (await node.Store.OpenReadAsync(key, part, Cancel)).Value.ShouldNotBeNull();
        reader.Metadata.Length.ShouldBe(content.Length);
        var buffer = new byte[128 * 1024];
        var end = part == ByteRange.Whole ? content.Length : (int)(part.Offset + part.Length);
        for (var offset = (int)part.Offset; offset < end;)
        {
            var read = await reader.ReadAsync(offset, buffer.AsMemory(0, Math.Min(buffer.Length, end - offset)), Cancel);
            read.ShouldBeGreaterThan(0);
            if (!buffer.AsSpan(0, read).SequenceEqual(content.AsSpan(offset, read)))
                throw new InvalidOperationException($"Wrong bytes from {offset} on.");
            offset += read;
        }
    }
}
