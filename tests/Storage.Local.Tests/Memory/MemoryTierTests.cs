using EdgeCache.Storage.Local.Format;
using EdgeCache.Storage.Local.Index;
using EdgeCache.Storage.Local.Memory;
using EdgeCache.Storage.Local.Tests.Index;
using EdgeCache.TestKit;

namespace EdgeCache.Storage.Local.Tests.Memory;

/// <summary>Measures memory, so nothing else may run beside it.</summary>
[Collection(nameof(IndexCostTests))]
public sealed class MemoryTierTests(ITestOutputHelper output)
{
    private const long MiB = 1 << 20;

    [Theory]
    [InlineData(64 * MiB)]
    [InlineData(1 * MiB)]
    [InlineData(100_000)]
    public void A_pass_over_everything_changes_nothing(long budget)
    {
        var tier = new MemoryTier(budget);
        for (var i = 0; i < 40; i++)
            Ask(tier, i / 2, 1000).ShouldBeFalse("once, or twice");
        for (var i = 100; i < 60_000; i++)
            Ask(tier, i, 1000).ShouldBeFalse();
        tier.State.Blobs.ShouldBe(20);
        tier.State.Evictions.ShouldBe(0);
        for (var i = 0; i < 20; i++)
            Ask(tier, i, 1000).ShouldBeTrue();
    }

    [Theory]
    [InlineData(100)]
    [InlineData(4096)]
    [InlineData(60_000)]
    public void It_takes_what_it_says_and_never_more_than_its_budget(int length)
    {
        const long Budget = 16 * MiB;
        var before = GC.GetTotalMemory(forceFullCollection: true);
        var tier = new MemoryTier(Budget);
        for (var i = 0; tier.State.Evictions < 100; i++)
        {
            Add(tier, i, length);
            tier.State.UsedBytes.ShouldBeLessThanOrEqualTo(Budget);
        }
        var real = GC.GetTotalMemory(forceFullCollection: true) - before;
        output.WriteLine($"{tier.State.Blobs} blobs of {length}: says {tier.State.UsedBytes}, takes {real}");
        tier.State.UsedBytes.ShouldBeInRange((long)(Budget * 0.9), Budget);
        ((double)real / tier.State.UsedBytes).ShouldBeInRange(0.75, 1.05);
        GC.KeepAlive(tier);
    }

    [Fact]
    public void What_would_push_out_too_much_does_not_get_in()
    {
        var tier = new MemoryTier(256 * 1024);
        Ask(tier, 1, 60_000);
        Ask(tier, 1, 60_000);
        Ask(tier, 1, 60_000).ShouldBeFalse();
        tier.State.Blobs.ShouldBe(0);
    }

    /// <summary>What the store does at a read; true for a hit.</summary>
    private static bool Ask(MemoryTier tier, int number, int length)
    {
        var entry = EntryOf(number, length);
        if (tier.Serve(entry) is not null)
            return true;
        if (tier.Knock(entry))
            Add(tier, number, length);
        return false;
    }

    private static void Add(MemoryTier tier, int number, int length)
    {
        var content = new byte[length];
        var image = BlobImages.Make(BlobImages.Describe(Blobs.Key($"{number:x64}"), content) with { Tags = ["nightly"], ContentType = "text/x-c", Writer = "ci" }, content);
        BlobImage.TryRead(image, verifyPayload: true, out var read).ShouldBeTrue();
        tier.Add(EntryOf(number, length), read.Metadata, content, []);
    }

    private static IndexEntry EntryOf(int number, int length)
    {
        var hash = KeyHash.Of(Blobs.Key($"{number:x64}"), new HashSecret(3, 4));
        return IndexEntry.Small(hash, 1, number * 8L, length, 0, DateTimeOffset.UnixEpoch);
    }
}
