using EdgeCache.TestKit;
using EdgeCache.TestKit.Stores;

namespace EdgeCache.Storage.Tests.Tiering;

public sealed class FillTests : TierTest
{
    private static readonly BlobKey Key = Blobs.Key("k");

    [Fact]
    public async Task Two_hundred_who_ask_at_once_cost_the_far_store_one_read_and_get_what_they_asked_for()
    {
        var content = Blobs.Bytes(5_000_000);
        await FarStore.PutAsync(Key, content);
        var random = new Random(3);
        var ranges = Enumerable.Range(0, 200).Select(i => i % 3 == 0 ? (0, content.Length) : Part(random, content.Length)).ToList();

        await Task.WhenAll(ranges.Select(r => Task.Run(async () =>
        {
            await using var reader = await OpenAsync(Key, new ByteRange(r.Item1, r.Item2));
            var buffer = new byte[r.Item2];
            await reader.ReadFullyAsync(r.Item1, buffer);
            buffer.AsSpan().SequenceEqual(content.AsSpan(r.Item1, r.Item2)).ShouldBeTrue();
        }))).WaitAsync(Limit);

        Far.Count(StoreCall.OpenRead).ShouldBe(1);
        await SettledAsync();
        (await NearStore.GetAsync(Key)).Content.ShouldBe(content);
    }

    [Fact]
    public async Task Bytes_are_given_out_as_they_come_and_the_last_ones_when_all_are_good()
    {
        var content = Blobs.Bytes(600_000);
        await FarStore.PutAsync(Key, content);
        var (first, last) = (new Point(), new Point());
        var reads = 0;
        Far.Before = (call, _) => call == StoreCall.Read ? Interlocked.Increment(ref reads) switch { 2 => first.PassAsync(), 5 => last.PassAsync(), _ => new(StoreStatus.Ok) } : new(StoreStatus.Ok);
        await using var reader = await OpenAsync(Key);
        var buffer = new byte[content.Length];
        await first.Reached;
        await reader.ReadFullyAsync(0, buffer.AsMemory(0, 100_000));
        first.Open();
        await last.Reached;
        var held = content.Length - Storage.Tiering.Fill.HoldBack;
        await reader.ReadFullyAsync(100_000, buffer.AsMemory(100_000, 400_000));
        var rest = reader.ReadFullyAsync(500_000, buffer.AsMemory(500_000));
        await Eventually.StaysAsync(() => !rest.IsCompleted, TimeSpan.FromMilliseconds(50), "the end is held back");
        held.ShouldBeGreaterThan(500_000);
        last.Open();
        await rest.WaitAsync(Limit);
        buffer.ShouldBe(content);
    }

    [Theory]
    [InlineData(1000)]
    [InlineData(700_000)]
    public async Task Wrong_content_is_never_given_out_as_a_whole_nor_stored(int length)
    {
        await FarStore.PutAsync(Key, Blobs.Bytes(length));
        FarContent.Change = (_, offset, bytes) => bytes.Span[^1] ^= (byte)(offset + bytes.Length == length ? 1 : 0);
        await using var reader = await OpenAsync(Key);
        await Should.ThrowAsync<BlobDamagedException>(reader.ReadFullyAsync(0, new byte[length]).WaitAsync(Limit));
        await SettledAsync();
        NearStore.Keys.ShouldBeEmpty();
        Counts.MismatchedFills.ShouldBe(2, "it is tried once more");
        Far.Count(StoreCall.OpenRead).ShouldBe(2);
    }

    [Fact]
    public async Task A_part_of_wrong_content_is_not_given_out_either()
    {
        await FarStore.PutAsync(Key, Blobs.Bytes(3_000_000));
        FarContent.Change = (_, offset, bytes) => bytes.Span[0] ^= (byte)(offset == 0 ? 1 : 0);
        await using var reader = await OpenAsync(Key, new ByteRange(0, 1000));
        await Should.ThrowAsync<BlobDamagedException>(reader.ReadFullyAsync(0, new byte[1000]).WaitAsync(Limit));
        NearStore.Keys.ShouldBeEmpty();
    }

    [Fact]
    public async Task Who_has_got_nothing_of_wrong_content_gets_that_of_the_second_try()
    {
        var content = Blobs.Bytes(60_000);
        await FarStore.PutAsync(Key, content);
        FarContent.Change = (number, _, bytes) => bytes.Span[0] ^= (byte)(number == 1 ? 1 : 0);
        (await Tiers.GetAsync(Key)).Content.ShouldBe(content);
        await SettledAsync();
        (await NearStore.GetAsync(Key)).Content.ShouldBe(content);
    }

    [Fact]
    public async Task Who_has_got_bytes_of_wrong_content_is_cut_and_who_has_not_is_served()
    {
        var content = Blobs.Bytes(500_000);
        await FarStore.PutAsync(Key, content);
        FarContent.Change = (number, _, bytes) => bytes.Span[0] ^= (byte)(number == 1 ? 1 : 0);
        var end = new Point();
        var reads = 0;
        Far.Before = (call, _) => call == StoreCall.Read && Interlocked.Increment(ref reads) == 4 ? end.PassAsync() : new(StoreStatus.Ok);
        await using var early = await OpenAsync(Key);
        await using var late = await OpenAsync(Key);
        await end.Reached;
        await early.ReadFullyAsync(0, new byte[1000]);
        end.Open();
        await Should.ThrowAsync<BlobDamagedException>(early.ReadFullyAsync(1000, new byte[content.Length - 1000]).WaitAsync(Limit));
        var buffer = new byte[content.Length];
        await late.ReadFullyAsync(0, buffer).WaitAsync(Limit);
        buffer.ShouldBe(content);
    }

    [Fact]
    public async Task Content_that_ends_too_early_is_wrong_content()
    {
        await FarStore.PutAsync(Key, Blobs.Bytes(1000));
        FarContent.Tell = blob => blob with { Length = 1001, Sha256 = default, FarValidator = "\"v\"" };
        await using var reader = await OpenAsync(Key);
        await Should.ThrowAsync<BlobDamagedException>(reader.ReadFullyAsync(0, new byte[1001]).WaitAsync(Limit));
        NearStore.Keys.ShouldBeEmpty();
    }

    [Theory]
    [InlineData("put", StoreCall.OpenRead)]
    [InlineData("put", StoreCall.Read)]
    [InlineData("put", StoreCall.Commit)]
    [InlineData("delete", StoreCall.OpenRead)]
    [InlineData("delete", StoreCall.Read)]
    [InlineData("delete", StoreCall.Commit)]
    public async Task A_change_of_the_key_wins_over_a_fetch_at_whatever_point(string change, StoreCall at)
    {
        var (old, next) = (Blobs.Bytes(300_000, seed: 1), Blobs.Bytes(1000, seed: 2));
        Policy = new() { FreshFor = TimeSpan.FromDays(1) };
        await FarStore.PutAsync(Key, old);
        var point = new Point();
        var once = 0;
        (at == StoreCall.Commit ? Near : Far).Before = (call, _) => call == at && Interlocked.Increment(ref once) == 1 ? point.PassAsync() : new(StoreStatus.Ok);
        var reading = Tiers.TryGetAsync(Key);
        await point.Reached;

        // A fetch that is just publishing has the key's gate: the change waits for it, and comes after it.
        var changing = change == "put" ? (Task)Tiers.PutAsync(Key, next, new PutOptions { Replace = true }) : Tiers.DeleteAsync(Key, null, Cancel).AsTask();
        if (at != StoreCall.Commit)
            await changing.WaitAsync(Limit);
        point.Open();
        await changing.WaitAsync(Limit);

        var after = await Tiers.TryGetAsync(Key);
        (after?.Content).ShouldBe(change == "put" ? next : null);
        if (await reading.WaitAsync(Limit) is { } read && !read.Content.AsSpan().SequenceEqual(old))
            read.Content.ShouldBe(next);
        await SettledAsync();
        (await NearStore.TryGetAsync(Key))?.Content.ShouldBe(next);
        ((await Tiers.StatAsync(Key, Cancel)).Value?.Length).ShouldBe(change == "put" ? next.Length : null);
    }

    [Fact]
    public async Task Who_asks_after_a_delete_is_not_served_by_a_fetch_from_before()
    {
        await FarStore.PutAsync(Key, Blobs.Bytes(300_000));
        var point = new Point();
        Far.Before = (call, _) => call == StoreCall.Read ? point.PassAsync() : new(StoreStatus.Ok);
        await using var reader = await OpenAsync(Key);
        await point.Reached;
        (await Tiers.DeleteAsync(Key, null, Cancel)).Status.ShouldBe(StoreStatus.Ok);
        (await StatusAsync(Key)).ShouldBe(StoreStatus.Missing);
        (await Tiers.StatAsync(Key, Cancel)).Status.ShouldBe(StoreStatus.Missing);
        point.Open();
        await SettledAsync();
        NearStore.Keys.ShouldBeEmpty();
        Counts.SupersededFills.ShouldBe(1);
    }

    [Fact]
    public async Task Who_asks_while_a_fetch_is_published_joins_it()
    {
        await FarStore.PutAsync(Key, Blobs.Bytes(1000));
        var point = new Point();
        Near.Before = (call, _) => call == StoreCall.Commit ? point.PassAsync() : new(StoreStatus.Ok);
        (await Tiers.GetAsync(Key)).Content.Length.ShouldBe(1000);
        await point.Reached;
        (await Tiers.GetAsync(Key)).Content.Length.ShouldBe(1000);
        point.Open();
        await SettledAsync();
        (await Tiers.GetAsync(Key)).Content.Length.ShouldBe(1000);
        Far.Count(StoreCall.OpenRead).ShouldBe(1);
    }

    [Fact]
    public async Task A_fetch_goes_on_when_its_reader_leaves_but_not_for_ever()
    {
        var content = Blobs.Bytes(400_000);
        await FarStore.PutAsync(Key, content);
        await FarStore.PutAsync(Blobs.Key("slow"), content);
        var point = new Point();
        Far.Before = (call, key) => call == StoreCall.Read && key.Key == "slow" ? point.PassAsync() : new(StoreStatus.Ok);
        await (await OpenAsync(Key)).DisposeAsync();
        await SettledAsync();
        (await NearStore.GetAsync(Key)).Content.ShouldBe(content);

        await (await OpenAsync(Blobs.Key("slow"))).DisposeAsync();
        await point.Reached;
        Clock.Advance(Options.AbandonAfter);
        point.Open();
        await SettledAsync();
        Counts.AbandonedFills.ShouldBe(1);
        NearStore.Keys.ShouldNotContain("test/slow");
        Far.Before = null;
        (await Tiers.GetAsync(Blobs.Key("slow"))).Content.ShouldBe(content);
    }

    [Fact]
    public async Task A_part_far_ahead_of_the_fetch_is_read_by_itself()
    {
        var content = Blobs.Bytes(20_000_000);
        await FarStore.PutAsync(Key, content);
        var point = new Point();
        var reads = 0;
        Far.Before = (call, _) => call == StoreCall.Read && Interlocked.Increment(ref reads) == 1 ? point.PassAsync() : new(StoreStatus.Ok);
        await using var reader = await OpenAsync(Key, new ByteRange(15_000_000, 1000));
        var buffer = new byte[1000];
        await reader.ReadFullyAsync(15_000_000, buffer).WaitAsync(Limit);
        buffer.ShouldBe(content[15_000_000..15_001_000]);
        Counts.DirectReads.ShouldBe(1);
        point.Open();
    }

    [Fact]
    public async Task Somebody_elses_object_keeps_its_validator_and_gets_a_digest()
    {
        await FarStore.PutAsync(Key, Blobs.Bytes(5000));
        FarContent.Tell = blob => blob with { Sha256 = default, PayloadSha256 = default, FarValidator = "\"theirs\"" };
        (await Tiers.StatAsync(Key, Cancel)).Value!.FarValidator.ShouldBe("\"theirs\"");
        (await Tiers.GetAsync(Key)).Metadata.FarValidator.ShouldBe("\"theirs\"");
        await SettledAsync();
        var copy = (await Tiers.GetAsync(Key)).Metadata;
        (copy.FarValidator, copy.Sha256.IsKnown).ShouldBe(("\"theirs\"", true));
    }

    private static (int Offset, int Length) Part(Random random, int length)
    {
        var offset = random.Next(length);
        return (offset, random.Next(1, length - offset + 1));
    }
}
