using EdgeCache.Storage.Local.Tests.Format;
using EdgeCache.TestKit;

namespace EdgeCache.Storage.Local.Tests;

/// <summary>Whatever happens to a segment, nothing wrong is served out of it, what is not damaged is served, and the next write heals the rest.</summary>
public sealed class RecordDamageTests : LocalStoreTest
{
    private const int Count = 12;
    private const int Damaged = 5;
    private const int Sector = 512;
    private const int RecordHeader = 40;

    public static TheoryData<string, bool> Damages
    {
        get
        {
            var data = new TheoryData<string, bool>();
            foreach (var damage in new[] { "payload", "record header", "record length", "blob header", "trailer", "sector" })
            {
                data.Add(damage, false);
                data.Add(damage, true);
            }
            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Damages))]
    public async Task A_damaged_record_is_one_lost_blob_until_the_next_put(string damage, bool forgetIndex)
    {
        await FillAsync();
        var (offset, length) = FileReading.Records(SegmentFile())[Damaged];
        switch (damage)
        {
            case "payload": await FlipAsync(SegmentFile(), offset + (length / 2)); break;
            case "record header": await FlipAsync(SegmentFile(), offset + 33); break;
            case "record length": await FlipAsync(SegmentFile(), offset + 10); break;
            case "blob header": await FlipAsync(SegmentFile(), offset + RecordHeader + 50); break;
            case "trailer": await FlipAsync(SegmentFile(), offset + length - 14); break;
            default: await ZeroAsync(offset + (length / 2), Sector); break;
        }
        await AssertLostAsync([Damaged], forgetIndex);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_segment_that_lost_its_end_has_what_is_before_it(bool forgetIndex)
    {
        await FillAsync();
        var offset = FileReading.Records(SegmentFile())[Count - 2].Offset;
        var bytes = await File.ReadAllBytesAsync(SegmentFile(), Cancel);
        await File.WriteAllBytesAsync(SegmentFile(), bytes[..(offset + 1000)], Cancel);
        await AssertLostAsync([Count - 2, Count - 1], forgetIndex);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_zeroed_sector_between_two_records_costs_these_two(bool forgetIndex)
    {
        await FillAsync();
        await ZeroAsync(FileReading.Records(SegmentFile())[Damaged].Offset - (Sector / 2), Sector);
        await AssertLostAsync([Damaged - 1, Damaged], forgetIndex);
    }

    [Theory]
    [InlineData(false, 2)]
    [InlineData(true, 2)]
    [InlineData(false, 20)]
    [InlineData(true, 20)]
    public async Task A_damaged_segment_header_costs_no_blob(bool forgetIndex, int offset)
    {
        await FillAsync();
        await FlipAsync(SegmentFile(), offset);
        if (offset < 8)
            await ZeroAsync(0, 48);
        await AssertLostAsync([], forgetIndex);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task The_record_of_a_large_blob_is_as_good_as_its_file(bool forgetIndex)
    {
        await using (var store = await OpenAsync())
            await store.PutAsync(Key(0), Blobs.Bytes(100_000));
        await FlipAsync(SegmentFile(), FileReading.Records(SegmentFile())[0].Offset + 60);
        if (forgetIndex)
            File.Delete(Snapshot);
        await using (var again = await OpenAsync())
        {
            (await again.TryGetAsync(Key(0))).ShouldBeNull();
            (await again.PutAsync(Key(0), Blobs.Bytes(100_000))).Value.ShouldNotBeNull().Effect.ShouldBe(PutEffect.Created);
            (await again.GetAsync(Key(0))).Content.ShouldBe(Blobs.Bytes(100_000));
        }
        await using var third = await OpenAsync();
        await third.Swept;
        (await third.GetAsync(Key(0))).Content.ShouldBe(Blobs.Bytes(100_000));
        BlobFiles().ShouldHaveSingleItem("the file that lost its record has gone");
    }

    [Fact]
    public async Task A_segment_that_is_cut_after_its_records_were_verified_does_not_serve_what_happens_to_be_in_memory()
    {
        await using var store = await OpenAsync();
        for (var i = 0; i < Count; i++)
            await store.PutAsync(Key(i), Content(i));
        for (var i = 0; i < Count; i++)
            await store.GetAsync(Key(i));
        var offset = FileReading.Records(SegmentFile())[Count - 1].Offset;
        await using (var file = new FileStream(SegmentFile(), FileMode.Open, FileAccess.Write, FileShare.ReadWrite))
            file.SetLength(offset + 1000);

        (await store.TryGetAsync(Key(Count - 1))).ShouldBeNull();
        (await store.PutAsync(Key(Count - 1), Content(1))).Value.ShouldNotBeNull().Effect.ShouldBe(PutEffect.Created);
        (await store.GetAsync(Key(Count - 1))).Content.ShouldBe(Content(1));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task An_older_version_does_not_come_back_when_the_newest_is_damaged(bool forgetIndex)
    {
        await using (var store = await OpenAsync())
        {
            await store.PutAsync(Key(0), Content(0));
            await store.PutAsync(Key(0), Content(1), new PutOptions { Replace = true });
        }
        await FlipAsync(SegmentFile(), FileReading.Records(SegmentFile())[1].Offset + 2000);
        if (forgetIndex)
            File.Delete(Snapshot);
        await using var again = await OpenAsync();
        (await again.TryGetAsync(Key(0))).ShouldBeNull();
    }

    [Fact]
    public async Task Content_that_is_a_record_of_another_store_is_not_taken_for_one()
    {
        byte[] record;
        await using (var other = await OpenAsync(Options with { Path = Path.Combine(Root, "other") }))
            await other.PutAsync(Key(1), Content(1));
        var segment = Directory.GetFiles(Path.Combine(Root, "other", "segments")).ShouldHaveSingleItem();
        record = (await File.ReadAllBytesAsync(segment, Cancel))[48..];
        await using (var store = await OpenAsync())
            await store.PutAsync(Key(0), record);
        // Without the record around it, a scan comes by the content.
        await FlipAsync(SegmentFile(), FileReading.Records(SegmentFile())[0].Offset + 33);
        File.Delete(Snapshot);
        await using var again = await OpenAsync();
        again.State.Blobs.ShouldBe(0);
        (await again.TryGetAsync(Key(1))).ShouldBeNull();
    }

    private static BlobKey Key(int number) => Blobs.Key($"k{number:00}");

    private static byte[] Content(int number) => Blobs.Bytes(4000 + (number * 24), seed: number);

    private async Task FillAsync()
    {
        await using var store = await OpenAsync();
        for (var i = 0; i < Count; i++)
            await store.PutAsync(Key(i), Content(i));
    }

    private async Task ZeroAsync(int offset, int length)
    {
        var bytes = await File.ReadAllBytesAsync(SegmentFile(), Cancel);
        bytes.AsSpan(offset, length).Clear();
        await File.WriteAllBytesAsync(SegmentFile(), bytes, Cancel);
    }

    /// <summary>Opens the store and expects all blobs but some; then writes those again, and expects all of them, now and after another start from the log alone.</summary>
    private async Task AssertLostAsync(int[] lost, bool forgetIndex)
    {
        if (forgetIndex)
            File.Delete(Snapshot);
        await using (var store = await OpenAsync())
        {
            for (var i = 0; i < Count; i++)
            {
                if (lost.Contains(i))
                    (await store.TryGetAsync(Key(i))).ShouldBeNull($"k{i}");
                else
                    (await store.GetAsync(Key(i))).Content.ShouldBe(Content(i), $"k{i}");
            }
            store.State.Blobs.ShouldBe(Count - lost.Length);
            foreach (var i in lost)
                (await store.PutAsync(Key(i), Content(i))).Value.ShouldNotBeNull().Effect.ShouldBe(PutEffect.Created);
            await AssertAllAsync(store);
        }
        File.Delete(Snapshot);
        await using var again = await OpenAsync();
        await AssertAllAsync(again);
    }

    private static async Task AssertAllAsync(LocalStore store)
    {
        for (var i = 0; i < Count; i++)
            (await store.GetAsync(Key(i))).Content.ShouldBe(Content(i), $"k{i}");
    }
}
