using EdgeCache.Storage.Local.Scrubbing;
using EdgeCache.Storage.Local.Tests.Format;
using EdgeCache.TestKit;
using Microsoft.Extensions.Time.Testing;

namespace EdgeCache.Storage.Local.Tests;

public sealed class ScrubTests : LocalStoreTest
{
    private const int RecordHeader = 40;
    private const long Fast = long.MaxValue;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);
    private static readonly BlobKey Small = Blobs.Key("small");
    private static readonly BlobKey Large = Blobs.Key("large");

    public static TheoryData<string> Damages => ["payload", "record header", "metadata", "trailer", "file header", "file payload", "file trailer", "file is gone", "record of a file"];

    [Fact]
    public async Task A_clean_store_is_clean_and_counts_as_verified()
    {
        await FillAsync();
        await using var store = await OpenAsync();
        var found = await store.ScrubAsync(Fast, null, Cancel);
        found.ShouldBe(new ScrubProgress(3, store.State.Namespaces.Single().Bytes, 0, 0));
        store.State.DamagedBlobs.ShouldBe(0);
        Directory.GetFiles(QuarantineFolder).ShouldBeEmpty();
    }

    [Theory]
    [MemberData(nameof(Damages))]
    public async Task Damage_is_found_put_aside_and_healed_by_the_next_put(string damage)
    {
        await FillAsync();
        await DamageAsync(damage);
        var isLarge = damage.Contains("file", StringComparison.Ordinal);
        var (key, length) = isLarge ? (Large, 3_000_000) : (Small, 5000);
        await using (var store = await OpenAsync())
        {
            var found = await store.ScrubAsync(Fast, null, Cancel);
            (found.Blobs, found.Damaged, found.Unreadable).ShouldBe((3, 1, 0));
            store.State.DamagedBlobs.ShouldBe(1);
            store.State.Blobs.ShouldBe(2);
            (await store.TryGetAsync(key)).ShouldBeNull();
            (await store.GetAsync(Blobs.Key("other"))).Content.ShouldBe(Blobs.Bytes(6000, seed: 3));
            Directory.GetFiles(QuarantineFolder).Length.ShouldBe(damage == "file is gone" ? 0 : 1);
            BlobFiles().Length.ShouldBe(isLarge ? 0 : 1);
            (await store.ScrubAsync(Fast, null, Cancel)).Damaged.ShouldBe(0, "it is found once");

            (await store.PutAsync(key, Blobs.Bytes(length, seed: 9))).Value.ShouldNotBeNull().Effect.ShouldBe(PutEffect.Created);
            (await store.GetAsync(key)).Content.ShouldBe(Blobs.Bytes(length, seed: 9));
        }
        File.Delete(Snapshot);
        await using var again = await OpenAsync();
        (await again.GetAsync(key)).Content.ShouldBe(Blobs.Bytes(length, seed: 9));
        (await again.ScrubAsync(Fast, null, Cancel)).Damaged.ShouldBe(0);
    }

    [Fact]
    public async Task Content_with_good_checksums_and_another_digest_is_damaged_for_good()
    {
        var (content, wrong) = (Blobs.Bytes(5000, seed: 1), Blobs.Bytes(5000, seed: 2));
        await FillAsync();
        // Every checksum is right: only the SHA-256 of the whole says that it is not what was written.
        var (offset, _) = FileReading.Records(SegmentFile())[0];
        var segment = await File.ReadAllBytesAsync(SegmentFile(), Cancel);
        var image = BlobImages.Make(BlobImages.Describe(Small, content), wrong);
        segment.AsSpan(offset + RecordHeader + image.Length).IndexOfAnyExcept((byte)0).ShouldBeGreaterThanOrEqualTo(0);
        image.CopyTo(segment, offset + RecordHeader);
        await File.WriteAllBytesAsync(SegmentFile(), segment, Cancel);
        await using (var store = await OpenAsync())
            (await store.ScrubAsync(Fast, null, Cancel)).Damaged.ShouldBe(1);
        File.Delete(Snapshot);
        await using var again = await OpenAsync();
        (await again.TryGetAsync(Small)).ShouldBeNull("a start that reads the log does not bring it back");
    }

    [Fact]
    public async Task A_scrub_beside_writes_deletions_and_eviction_finds_no_damage()
    {
        await using var store = await OpenAsync(4 << 20);
        using var stop = new CancellationTokenSource();
        var work = Enumerable.Range(0, 3).Select(writer => Task.Run(async () =>
        {
            var random = new Random(writer);
            while (!stop.IsCancellationRequested)
            {
                var key = Blobs.Key($"k{random.Next(60)}");
                if (random.Next(4) == 0)
                    await store.DeleteAsync(key, null, CancellationToken.None);
                else
                    await store.PutAsync(key, Blobs.Bytes(random.Next(100_000), random.Next(1000)), new PutOptions { Replace = true });
            }
        })).ToArray();
        var blobs = 0L;
        for (var lap = 0; lap < 60 || blobs < 1000; lap++)
        {
            var found = await store.ScrubAsync(Fast, null, Cancel);
            (found.Damaged, found.Unreadable).ShouldBe((0, 0));
            blobs += found.Blobs;
        }
        await stop.CancelAsync();
        await Task.WhenAll(work);
        store.State.DamagedBlobs.ShouldBe(0);
        Directory.GetFiles(QuarantineFolder).ShouldBeEmpty();
    }

    [Fact]
    public async Task It_reads_no_faster_than_it_may()
    {
        var clock = new FakeTimeProvider();
        var rate = new RateLimit(() => 1000, clock);
        var began = clock.GetTimestamp();
        for (var i = 0; i < 20; i++)
        {
            var spent = rate.SpendAsync(500, Cancel).AsTask();
            while (!spent.IsCompleted)
                clock.Advance(TimeSpan.FromMilliseconds(100));
            await spent;
            // A pause of the reader's own is no credit.
            if (i == 10)
                clock.Advance(TimeSpan.FromHours(1));
        }
        var seconds = clock.GetElapsedTime(began).TotalSeconds - 3600;
        seconds.ShouldBeInRange(9.5, 12);
    }

    [Fact]
    public async Task A_running_store_scrubs_itself_when_a_blob_has_not_been_looked_at_for_long()
    {
        var clock = Clock();
        var plan = new ScrubPlan(TimeSpan.FromDays(30), Fast);
        await using var store = await OpenAsync(Options with { Scrub = () => plan }, clock);
        await store.PutAsync(Small, Blobs.Bytes(5000, seed: 1));
        await store.PutAsync(Large, Blobs.Bytes(3_000_000, seed: 2));
        await FlipAsync(BlobFile(), 2_000_000);
        clock.Advance(TimeSpan.FromDays(29));
        await PassAsync(clock, () => true);
        store.State.DamagedBlobs.ShouldBe(0);
        clock.Advance(TimeSpan.FromDays(1));
        await PassAsync(clock, () => store.State.DamagedBlobs == 1);
        Directory.GetFiles(QuarantineFolder).ShouldHaveSingleItem();
        (await store.TryGetAsync(Large)).ShouldBeNull();
        (await store.GetAsync(Small)).Content.ShouldBe(Blobs.Bytes(5000, seed: 1));
    }

    private static Task PassAsync(FakeTimeProvider clock, Func<bool> question) => Eventually.TrueAsync(
        () =>
        {
            clock.Advance(TimeSpan.FromMinutes(1));
            return question();
        },
        Patience,
        "the scrub has done its work");

    private async Task FillAsync()
    {
        await using var store = await OpenAsync();
        await store.PutAsync(Small, Blobs.Bytes(5000, seed: 1));
        await store.PutAsync(Large, Blobs.Bytes(3_000_000, seed: 2));
        await store.PutAsync(Blobs.Key("other"), Blobs.Bytes(6000, seed: 3));
    }

    private async Task DamageAsync(string damage)
    {
        var records = FileReading.Records(SegmentFile());
        var (offset, length) = records[0];
        var task = damage switch
        {
            "payload" => FlipAsync(SegmentFile(), offset + (length / 2)),
            "record header" => FlipAsync(SegmentFile(), offset + 33),
            "metadata" => FlipAsync(SegmentFile(), offset + RecordHeader + 50),
            "trailer" => FlipAsync(SegmentFile(), offset + length - 14),
            "file header" => FlipAsync(BlobFile(), 60),
            "file payload" => FlipAsync(BlobFile(), 2_500_000),
            "file trailer" => FlipAsync(BlobFile(), new FileInfo(BlobFile()).Length - 10),
            "record of a file" => FlipAsync(SegmentFile(), records[1].Offset + RecordHeader + 50),
            _ => Task.Run(() => File.Delete(BlobFile())),
        };
        await task;
    }
}
