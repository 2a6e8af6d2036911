using EdgeCache.TestKit;

namespace EdgeCache.Storage.Local.Tests;

/// <summary>A folder of the first version, in which every blob is a file, opens and loses nothing.</summary>
public sealed class TakeoverTests : LocalStoreTest
{
    private const int Count = 24;

    [Fact]
    public async Task Every_blob_of_the_first_version_is_served_with_its_metadata()
    {
        await MakeFormatOneAsync();
        var all = Enumerable.Range(0, Count).Select(Describe).ToList();
        foreach (var (metadata, content) in all)
        {
            var image = BlobImages.Make(metadata, content);
            // Some lie where an older secret had them.
            if (metadata.Generation % 5 == 0)
                await PlaceFormatOneAsync(metadata.Key.Key, image);
            else
                await File.WriteAllBytesAsync(FormatOnePath(metadata.Key), image, Cancel);
            // Some have copies, older ones and equal ones.
            if (metadata.Generation % 3 == 0)
                await PlaceFormatOneAsync($"older {metadata.Key.Key}", BlobImages.Make(metadata.Key, "older"u8.ToArray(), generation: 1));
            if (metadata.Generation % 4 == 0)
                await PlaceFormatOneAsync($"same {metadata.Key.Key}", image);
        }

        await using (var store = await OpenAsync())
            await AssertAllAsync(store);

        (await File.ReadAllTextAsync(Marker, Cancel)).ShouldContain("\"format\": 2");
        (await File.ReadAllTextAsync(Marker, Cancel)).ShouldNotContain("takingOver");
        BlobFiles().Length.ShouldBe(Count);
        BlobFiles().ShouldAllBe(f => Path.GetExtension(f).Length == 17);
        await using (var again = await OpenAsync())
            await AssertAllAsync(again);
        File.Delete(Snapshot);
        await using (var third = await OpenAsync())
            await AssertAllAsync(third);
        // And once more as a folder that lost its marker: the segments know the secret.
        var marker = await File.ReadAllTextAsync(Marker, Cancel);
        File.Delete(Marker);
        await using (var fourth = await OpenAsync())
            await AssertAllAsync(fourth);
        (await File.ReadAllTextAsync(Marker, Cancel)).ShouldBe(marker);

        async Task AssertAllAsync(LocalStore store)
        {
            store.State.Blobs.ShouldBe(Count);
            foreach (var (metadata, content) in all)
            {
                var (read, found) = await store.GetAsync(metadata.Key);
                read.AsSpan().SequenceEqual(content).ShouldBeTrue(metadata.Key.Key);
                Flat(found).ShouldBe(Flat(metadata));
            }
        }
    }

    [Fact]
    public async Task What_is_written_over_a_blob_of_the_first_version_is_newer()
    {
        await MakeFormatOneAsync();
        var key = Blobs.Key("k");
        await File.WriteAllBytesAsync(FormatOnePath(key), BlobImages.Make(key, "old"u8.ToArray(), generation: 4_000_000_000_000_000), Cancel);
        await using (var store = await OpenAsync())
        {
            (await store.PutAsync(key, "new"u8.ToArray(), new PutOptions { Replace = true })).Value.ShouldNotBeNull().Effect.ShouldBe(PutEffect.Replaced);
            (await store.PutAsync(Blobs.Key("deleted"), "x"u8.ToArray())).Status.ShouldBe(StoreStatus.Ok);
            await store.DeleteAsync(Blobs.Key("deleted"), null, Cancel);
        }
        File.Delete(Snapshot);
        await using var again = await OpenAsync();
        (await again.GetAsync(key)).Content.ShouldBe("new"u8.ToArray());
        (await again.TryGetAsync(Blobs.Key("deleted"))).ShouldBeNull();
    }

    [Fact]
    public async Task A_takeover_that_was_killed_is_finished_before_anything_is_served()
    {
        await MakeFormatOneAsync();
        var key = Blobs.Key("k");
        await File.WriteAllBytesAsync(FormatOnePath(key), BlobImages.Make(key, "old"u8.ToArray()), Cancel);
        // As a start leaves it that was killed between the marker and this file.
        var marker = await File.ReadAllTextAsync(Marker, Cancel);
        await File.WriteAllTextAsync(Marker, marker.Replace("\"format\":1", "\"format\":2,\"takingOver\":true"), Cancel);
        await using var store = await OpenAsync();
        store.Swept.IsCompleted.ShouldBeTrue();
        (await store.GetAsync(key)).Content.ShouldBe("old"u8.ToArray());
    }

    private static (BlobMetadata Metadata, byte[] Content) Describe(int number)
    {
        var content = Blobs.Bytes(number * 7000, seed: number);
        var metadata = BlobImages.Describe(Blobs.Key($"k{number}"), content, generation: 100 + number) with
        {
            ContentType = $"type/{number}",
            Writer = "ci",
            Tags = ["t", $"{number}"],
            StoredHeaders = [new("x", $"{number}")],
            FarValidator = $"\"{number}\"",
            Created = DateTimeOffset.UnixEpoch.AddDays(20_000 + number),
        };
        return (metadata, content);
    }

    private static string Flat(BlobMetadata metadata) =>
        $"{metadata with { Tags = [], StoredHeaders = [], UnknownFields = [] }} {string.Join(',', metadata.Tags)} {string.Join(',', metadata.StoredHeaders)}";
}
