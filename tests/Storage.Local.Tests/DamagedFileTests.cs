using EdgeCache.Storage.Local.Format;
using EdgeCache.TestKit;

namespace EdgeCache.Storage.Local.Tests;

/// <summary>Whatever happens to a file, it is never served as something else than what was written, and never keeps the store from starting.</summary>
public sealed class DamagedFileTests : LocalStoreTest
{
    private static readonly byte[] Content = Blobs.Bytes(60);
    private static readonly byte[] Large = Blobs.Bytes(100_000);
    private static readonly int HeaderLength = BlobHeader.Measure(BlobImages.Describe(Key(0), Large));

    [Fact]
    public async Task A_file_that_was_cut_anywhere_is_a_miss()
    {
        var whole = BlobImages.Make(Key(0), Content).Length;
        await MakeFormatOneAsync();
        for (var length = 0; length <= whole; length++)
            await PlaceAsync(length, BlobImages.Make(Key(length), Content)[..length]);

        await using var store = await OpenAsync();

        for (var length = 0; length < whole; length++)
            (await store.TryGetAsync(Key(length))).ShouldBeNull($"cut to {length}");
        (await store.GetAsync(Key(whole))).Content.ShouldBe(Content);
        store.State.Blobs.ShouldBe(1);
    }

    [Fact]
    public async Task A_file_with_any_bit_of_its_header_flipped_is_a_miss()
    {
        await MakeFormatOneAsync();
        for (var bit = 0; bit < HeaderLength * 8; bit++)
        {
            var image = BlobImages.Make(Key(bit), Content);
            image[bit / 8] ^= (byte)(1 << (bit % 8));
            await PlaceAsync(bit, image);
        }

        await using var store = await OpenAsync();

        store.State.Blobs.ShouldBe(0);
        store.State.UsedBytes.ShouldBe(0);
        Directory.GetFiles(QuarantineFolder).Length.ShouldBe(64, "a bounded number is kept for a look");
    }

    [Fact]
    public async Task A_file_that_is_damaged_while_the_store_runs_is_a_miss_goes_to_quarantine_and_is_healed_by_the_next_put()
    {
        await using var store = await OpenAsync();
        for (var i = 0; i < HeaderLength; i += 7)
        {
            await store.PutAsync(Key(1), Large);
            await FlipAsync(BlobFile(), i);

            (await store.TryGetAsync(Key(1))).ShouldBeNull($"byte {i}");
            (await store.StatAsync(Key(1), Cancel)).Status.ShouldBe(StoreStatus.Missing);
            store.State.Blobs.ShouldBe(0);
            store.State.UsedBytes.ShouldBe(new FileInfo(SegmentFile()).Length, "the file's space is free again");
            BlobFiles().ShouldBeEmpty();
            (await store.PutAsync(Key(1), Large)).Value.ShouldNotBeNull().Effect.ShouldBe(PutEffect.Created);
            (await store.GetAsync(Key(1))).Content.ShouldBe(Large);
        }
        Directory.GetFiles(QuarantineFolder).Length.ShouldBeInRange(1, 64, "each version has its name, and a bounded number is kept for a look");
    }

    [Theory]
    [InlineData("cut")]
    [InlineData("flipped")]
    [InlineData("emptied")]
    [InlineData("removed")]
    public async Task An_equal_put_over_a_damaged_file_is_not_acknowledged_on_the_strength_of_memory(string damage)
    {
        await using (var store = await OpenAsync())
        {
            await store.PutAsync(Key(1), Large);
            await DamageAsync(damage);
            (await store.PutAsync(Key(1), Large)).Status.ShouldBe(StoreStatus.Ok);
            (await store.GetAsync(Key(1))).Content.ShouldBe(Large);
        }
        await using var again = await OpenAsync();
        (await again.GetAsync(Key(1))).Content.ShouldBe(Large);
    }

    [Theory]
    [InlineData("cut", 50)]
    [InlineData("removed", 50)]
    [InlineData("cut", 90_000)]
    [InlineData("removed", 90_000)]
    public async Task A_damaged_file_does_not_keep_its_key_from_other_content(string damage, int length)
    {
        await using var store = await OpenAsync();
        await store.PutAsync(Key(1), Large);
        await DamageAsync(damage);
        var next = Blobs.Bytes(length, seed: 9);
        var options = new PutOptions { ExpectedSha256 = new Sha256Digest(System.Security.Cryptography.SHA256.HashData(next)), Condition = BlobCondition.Absent };
        (await store.PutAsync(Key(1), next, options)).Value.ShouldNotBeNull().Effect.ShouldBe(PutEffect.Created);
        (await store.GetAsync(Key(1))).Content.ShouldBe(next);
    }

    [Fact]
    public async Task A_blob_removed_by_hand_is_a_miss_and_an_equal_put_stores_it_again()
    {
        await using var store = await OpenAsync();
        await store.PutAsync(Key(1), Large);
        File.Delete(BlobFile());
        (await store.TryGetAsync(Key(1))).ShouldBeNull();
        (await store.PutAsync(Key(1), Large)).Value.ShouldNotBeNull().Effect.ShouldBe(PutEffect.Created);
        (await store.GetAsync(Key(1))).Content.ShouldBe(Large);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_blob_that_rotted_is_not_taken_for_an_equal_put(bool replace)
    {
        await using var store = await OpenAsync();
        await store.PutAsync(Key(1), Large);
        var file = BlobFile();
        await FlipAsync(file, new FileInfo(file).Length / 2);
        (await store.PutAsync(Key(1), Large, new PutOptions { Replace = replace })).Value.ShouldNotBeNull().Effect.ShouldBe(PutEffect.Created);
        (await store.GetAsync(Key(1))).Content.ShouldBe(Large);
        store.State.DamagedBlobs.ShouldBe(1);
        (await store.PutAsync(Key(1), Large, new PutOptions { Replace = replace })).Value.ShouldNotBeNull().Effect.ShouldBe(PutEffect.Unchanged);
    }

    [Fact]
    public async Task A_store_whose_folders_were_removed_by_hand_goes_on()
    {
        await using var store = await OpenAsync();
        await store.PutAsync(Key(1), Large);
        Directory.Delete(BlobsFolder, recursive: true);
        (await store.TryGetAsync(Key(1))).ShouldBeNull();
        (await store.PutAsync(Key(1), Large)).Value.ShouldNotBeNull().Effect.ShouldBe(PutEffect.Created);
        (await store.GetAsync(Key(1))).Content.ShouldBe(Large);
    }

    [Fact]
    public async Task A_header_that_contradicts_itself_is_damaged_however_good_its_checksum()
    {
        await MakeFormatOneAsync();
        var good = BlobImages.Describe(Key(1), Content);
        await PlaceAsync(1, BlobImages.Make(good with { Length = 61 }, Content));
        await PlaceAsync(2, BlobImages.Make(good with { UnknownFields = [new(7, BitConverter.GetBytes(long.MaxValue))] }, Content));
        await PlaceAsync(3, BlobImages.Make(good with { PayloadLength = long.MaxValue }, Content));
        await using var store = await OpenAsync();
        store.State.Blobs.ShouldBe(0);
        Directory.GetFiles(QuarantineFolder).Length.ShouldBe(3);
    }

    [Fact]
    public async Task A_payload_in_a_coding_that_this_version_can_not_decode_is_never_served_as_the_content()
    {
        await MakeFormatOneAsync();
        await PlaceAsync(1, BlobImages.Make(BlobImages.Describe(Key(1), Content) with { Coding = "br", Length = 1000 }, Content));
        await using var store = await OpenAsync();
        (await store.TryGetAsync(Key(1))).ShouldBeNull();
        BlobFiles().ShouldHaveSingleItem("it is left alone");
    }

    private static BlobKey Key(int number) => Blobs.Key($"k{number:0000}");

    private Task PlaceAsync(int number, byte[] image) => PlaceFormatOneAsync($"{number}", image);

    private async Task DamageAsync(string damage)
    {
        var path = BlobFile();
        var bytes = await File.ReadAllBytesAsync(path, Cancel);
        switch (damage)
        {
            case "cut": await File.WriteAllBytesAsync(path, bytes[..^1], Cancel); break;
            case "flipped": await FlipAsync(path, 50); break;
            case "emptied": await File.WriteAllBytesAsync(path, [], Cancel); break;
            default: File.Delete(path); break;
        }
    }
}
