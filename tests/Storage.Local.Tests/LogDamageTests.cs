using EdgeCache.Storage.Local.Disk;
using EdgeCache.Storage.Local.Format;
using EdgeCache.Storage.Local.Segments;
using EdgeCache.Storage.Local.Tests.Simulation;
using EdgeCache.TestKit;

namespace EdgeCache.Storage.Local.Tests;

/// <summary>What a start makes of a folder that was damaged, or left in disorder, while the store was closed.</summary>
public sealed class LogDamageTests : EngineTest
{
    private static readonly KeyHash Crafted = new(7, 7);

    [Fact]
    public async Task That_a_blob_was_verified_does_not_outlive_the_process()
    {
        var content = Blobs.Bytes(5000);
        await using (var store = await OpenAsync(Files()))
        {
            await store.PutAsync(Blobs.Key("a"), content);
            await store.GetAsync(Blobs.Key("a"));
        }
        await FlipAsync(SegmentFile(), 3000);

        await using var again = await OpenAsync(Files());
        (await again.TryGetAsync(Blobs.Key("a"))).ShouldBeNull("the damage is found by the first read");
    }

    [Fact]
    public async Task Content_that_looks_like_records_is_harmless_in_a_damaged_one()
    {
        var crafted = CraftedRecord();
        var content = new byte[4096];
        await using (var store = await OpenAsync(Files()))
        {
            // A client knows where its content will be only up to 8 bytes; eight shifts cover that.
            for (var shift = 0; shift < 8; shift++)
            {
                Array.Clear(content);
                crafted.CopyTo(content, 512 + shift);
                await store.PutAsync(Blobs.Key($"e{shift}"), content);
            }
        }
        File.Delete(Snapshot);
        var bytes = await File.ReadAllBytesAsync(SegmentFile(), Cancel);
        // The last bytes of each content are wrong, so each record is damaged and is looked into for others.
        for (var i = Segment.HeaderLength; i < bytes.Length; i += 8)
        {
            if (RecordFormat.TryRead(bytes.AsSpan(i), out var header) && header.Hash != Crafted)
                bytes[i + header.Length - 64] ^= 1;
        }
        await File.WriteAllBytesAsync(SegmentFile(), bytes, Cancel);

        await using var again = await OpenAsync(Files());
        (await again.TryGetAsync(Blobs.Key("evil"))).ShouldBeNull();
        (await again.PutAsync(Blobs.Key("next"), Blobs.Bytes(10))).Status.ShouldBe(StoreStatus.Ok);
    }

    [Fact]
    public async Task A_file_for_which_there_is_no_record_is_removed()
    {
        await using (var store = await OpenAsync(Files()))
            await store.PutAsync(Blobs.Key("a"), Blobs.Bytes(10));
        var generation = (TimeProvider.System.GetUtcNow() - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond;
        var orphan = new StoreLayout(Root).BlobPath(new KeyHash(5, 6), generation);
        await File.WriteAllBytesAsync(orphan, new byte[100_000], Cancel);

        await using var again = await OpenAsync(Files());
        await Eventually.TrueAsync(() => !File.Exists(orphan), TimeSpan.FromSeconds(10), "the file that no record stands for is removed");
    }

    [Fact]
    public async Task A_large_blob_that_was_damaged_heals_with_the_next_write()
    {
        var content = Blobs.Bytes(3 << 20);
        await using (var store = await OpenAsync(Files()))
            await store.PutAsync(Blobs.Key("a"), content);
        await FlipAsync(BlobFile(), 2 << 20);

        await using var again = await OpenAsync(Files());
        await Should.ThrowAsync<BlobDamagedException>(() => again.GetAsync(Blobs.Key("a")));
        (await again.PutAsync(Blobs.Key("a"), content)).Status.ShouldBe(StoreStatus.Ok);
        (await again.GetAsync(Blobs.Key("a"))).Content.ShouldBe(content);
    }

    [Fact]
    public async Task A_wrong_bit_in_the_header_of_a_segment_costs_none_of_its_records()
    {
        await using (var store = await OpenAsync(Files()))
        {
            for (var i = 0; i < 50; i++)
                await store.PutAsync(Blobs.Key($"k{i}"), Blobs.Bytes(100, i));
        }
        var segment = SegmentFile();
        await FlipAsync(segment, 40);

        await using var again = await OpenAsync(Files());
        File.Exists(segment).ShouldBeTrue();
        again.State.Blobs.ShouldBe(50);
    }

    [Fact]
    public async Task A_folder_that_can_not_be_listed_does_not_keep_the_snapshot_from_being_written()
    {
        var files = Files();
        files.OnList = folder =>
        {
            if (folder.Contains("/blobs/80", StringComparison.Ordinal))
                throw new IOException("EIO");
        };
        await using (var store = await OpenAsync(files))
            await store.PutAsync(Blobs.Key("a"), Blobs.Bytes(10));
        File.Exists(Snapshot).ShouldBeTrue();
    }

    /// <summary>A record that says it is whole, of a blob whose length overflows whatever is added to it.</summary>
    private static byte[] CraftedRecord()
    {
        var digest = RecordedStore.DigestOf([]);
        var metadata = new BlobMetadata
        {
            Key = Blobs.Key("evil"),
            Length = long.MaxValue - 10,
            PayloadLength = long.MaxValue - 10,
            Sha256 = digest,
            PayloadSha256 = digest,
            Created = DateTimeOffset.UnixEpoch,
            Generation = 1,
            ContentType = "",
            Writer = "",
            Tags = [],
            StoredHeaders = [],
            FarValidator = "",
            UnknownFields = [],
        };
        var header = new byte[BlobHeader.Measure(metadata)];
        BlobHeader.Write(header, metadata, 1 << 30);
        var record = new byte[RecordFormat.LengthFor(header.Length + 200)];
        RecordFormat.Write(record, RecordKind.Blob, record.Length, Crafted, 1);
        header.CopyTo(record, RecordFormat.HeaderLength);
        return record;
    }
}
