using EdgeCache.TestKit;
using EdgeCache.TestKit.Stores;

namespace EdgeCache.Storage.Tests.Tiering;

/// <summary>Parts of blobs whose far store tells the checksums of their blocks.</summary>
public sealed class BlockCheckTests : TierTest
{
    private const int MiB = 1 << 20;
    private const int Length = (20 * MiB) + 12_345;
    private static readonly BlobKey Key = Blobs.Key("k");
    private static readonly byte[] Content = Blobs.Bytes(Length);

    [Fact]
    public async Task A_part_of_a_large_blob_is_given_out_as_soon_as_its_block_is_found_good()
    {
        await PutAsync();
        var point = new Point();
        Far.Before = (call, _) => call == StoreCall.Read && FarRead > 2.5 * MiB ? point.PassAsync() : new(StoreStatus.Ok);
        await using var good = await OpenAsync(Key, new ByteRange(MiB, 2 * MiB));
        await using var begun = await OpenAsync(Key, new ByteRange((2 * MiB) + 5, 1000));
        await point.Reached;

        var buffer = new byte[MiB];
        await good.ReadFullyAsync(MiB, buffer).WaitAsync(Limit);
        buffer.AsSpan().SequenceEqual(Content.AsSpan(MiB, MiB)).ShouldBeTrue();
        var waiting = begun.ReadFullyAsync((2 * MiB) + 5, new byte[1000]);
        await Eventually.StaysAsync(() => !waiting.IsCompleted, TimeSpan.FromMilliseconds(50), "the bytes are here, and their block is not whole");
        point.Open();
        await waiting.WaitAsync(Limit);
        Counts.DirectReads.ShouldBe(0);
    }

    [Fact]
    public async Task A_wrong_block_ends_the_fetch_at_once_and_the_second_try_serves_the_part()
    {
        await PutAsync();
        FarContent.Change = (number, offset, bytes) => Flip(number == 1, offset, bytes, (3 * MiB) + 7);
        await using var reader = await OpenAsync(Key, new ByteRange((3 * MiB) + 1, 2 * MiB));
        var buffer = new byte[2 * MiB];
        await reader.ReadFullyAsync((3 * MiB) + 1, buffer).WaitAsync(Limit);
        buffer.AsSpan().SequenceEqual(Content.AsSpan((3 * MiB) + 1, 2 * MiB)).ShouldBeTrue();
        await SettledAsync();
        Counts.MismatchedFills.ShouldBe(1);
        (await NearStore.GetAsync(Key)).Content.AsSpan().SequenceEqual(Content).ShouldBeTrue();
    }

    [Fact]
    public async Task A_part_of_what_stays_wrong_is_never_given_out()
    {
        await PutAsync();
        FarContent.Change = (_, offset, bytes) => Flip(true, offset, bytes, (3 * MiB) + 7);
        await using var reader = await OpenAsync(Key, new ByteRange(3 * MiB, 1000));
        await Should.ThrowAsync<BlobDamagedException>(reader.ReadFullyAsync(3 * MiB, new byte[1000]).WaitAsync(Limit));
        await SettledAsync();
        NearStore.Keys.ShouldBeEmpty();
    }

    [Theory]
    [InlineData(15 * MiB, 1000)]
    [InlineData((15 * MiB) + 5, 3 * MiB)]
    [InlineData((14 * MiB) + 77, 10 * MiB)]
    [InlineData(Length - 1, 1)]
    public async Task A_part_far_ahead_is_read_with_its_blocks_and_wrong_ones_never_end_well(int offset, int length)
    {
        await PutAsync();
        length = Math.Min(length, Length - offset);
        var point = new Point();
        var reads = 0;
        Far.Before = (call, _) => call == StoreCall.Read && Interlocked.Increment(ref reads) == 1 ? point.PassAsync() : new(StoreStatus.Ok);
        await ReadPartAsync(offset, length);
        Counts.DirectReads.ShouldBe(1);

        // One wrong byte in each place of the blocks in turn: before the part, in it, behind it.
        foreach (var wrong in (int[])[offset / MiB * MiB, offset, offset + length - 1, Math.Min(Length, (offset + length + MiB - 1) / MiB * MiB) - 1])
        {
            FarContent.Change = (number, at, bytes) => Flip(number > 1, at, bytes, wrong);
            await Should.ThrowAsync<BlobDamagedException>(ReadPartAsync(offset, length), $"{wrong}");
        }
        Counts.MismatchedFills.ShouldBeGreaterThanOrEqualTo(4);
        FarContent.Change = null;
        await ReadPartAsync(offset, length);
        point.Open();
    }

    [Fact]
    public async Task A_short_part_far_ahead_that_is_wrong_once_is_right_at_the_second_try()
    {
        await PutAsync();
        var point = new Point();
        var reads = 0;
        Far.Before = (call, _) => call == StoreCall.Read && Interlocked.Increment(ref reads) == 1 ? point.PassAsync() : new(StoreStatus.Ok);
        FarContent.Change = (number, at, bytes) => Flip(number == 2, at, bytes, 15 * MiB);
        await ReadPartAsync((15 * MiB) + 100, 1000);
        Counts.MismatchedFills.ShouldBe(1);
        point.Open();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_part_past_a_full_disk_is_checked_too(bool isWrong)
    {
        await PutAsync();
        Near.Before = (call, _) => new(call == StoreCall.OpenWrite ? StoreStatus.NoSpace : StoreStatus.Ok);
        if (isWrong)
            FarContent.Change = (_, at, bytes) => Flip(true, at, bytes, (2 * MiB) + 9);
        if (isWrong)
            await Should.ThrowAsync<BlobDamagedException>(ReadPartAsync((2 * MiB) + 10, 100));
        else
            await ReadPartAsync((2 * MiB) + 10, 100);
    }

    [Fact]
    public async Task A_reader_of_a_part_reads_anywhere()
    {
        await PutAsync();
        Near.Before = (call, _) => new(call == StoreCall.OpenWrite ? StoreStatus.NoSpace : StoreStatus.Ok);
        await using var reader = await OpenAsync(Key, new ByteRange((2 * MiB) + 10, 100_000));
        foreach (var (offset, length) in ((int, int)[])[((2 * MiB) + 10, 100_000), ((2 * MiB) + 100_010, MiB), (0, 10), (Length - 10, 10), (5 * MiB, 3 * MiB)])
        {
            var buffer = new byte[length];
            await reader.ReadFullyAsync(offset, buffer).WaitAsync(Limit);
            buffer.AsSpan().SequenceEqual(Content.AsSpan(offset, length)).ShouldBeTrue($"{offset}");
        }
    }

    [Fact]
    public async Task What_is_written_through_has_checksums_and_so_has_what_is_written_back()
    {
        var content = Blobs.Bytes((2 * MiB) + 3);
        (await Tiers.PutAsync(Key, content)).Status.ShouldBe(StoreStatus.Ok);
        var checksums = Far.Writes.ShouldHaveSingleItem().Checksums.ShouldNotBeNull();
        (checksums.Count, checksums[2]).ShouldBe((3, Crc32C.Of(content.AsSpan(2 * MiB))));
    }

    private long FarRead => Interlocked.Read(ref _farRead);

    private long _farRead;

    private async Task PutAsync()
    {
        await FarStore.PutAsync(Key, Content);
        var builder = new BlockChecksumBuilder();
        builder.Append(Content);
        var checksums = builder.End();
        FarContent.Tell = blob => blob with { Checksums = checksums };
        FarContent.Change = (_, offset, bytes) => Interlocked.Exchange(ref _farRead, offset + bytes.Length);
    }

    private static void Flip(bool applies, long offset, Memory<byte> bytes, long at)
    {
        if (applies && at >= offset && at < offset + bytes.Length)
            bytes.Span[(int)(at - offset)] ^= 4;
    }

    private async Task ReadPartAsync(int offset, int length)
    {
        await using var reader = await OpenAsync(Key, new ByteRange(offset, length));
        var buffer = new byte[length];
        await reader.ReadFullyAsync(offset, buffer).WaitAsync(Limit);
        buffer.AsSpan().SequenceEqual(Content.AsSpan(offset, length)).ShouldBeTrue();
    }
}
