using EdgeCache.TestKit;

namespace EdgeCache.Storage.Local.Tests;

public sealed class RecoveryTests : LocalStoreTest
{
    [Fact]
    public async Task A_store_that_is_opened_again_has_every_blob_with_its_metadata()
    {
        var options = new PutOptions { ContentType = "a/b", Writer = "ci", Tags = ["t"], StoredHeaders = [new("x", "y")], FarValidator = "\"v\"" };
        var written = new List<BlobMetadata>();
        long used;
        await using (var store = await OpenAsync())
        {
            for (var i = 0; i < 40; i++)
                written.Add((await store.PutAsync(Blobs.Key($"k{i}"), Blobs.Bytes(i * 5000, seed: i), options)).Value.ShouldNotBeNull().Metadata);
            used = store.State.UsedBytes;
        }

        await using var again = await OpenAsync();

        (again.State.Blobs, again.State.UsedBytes).ShouldBe((40, used));
        for (var i = 0; i < 40; i++)
        {
            var (content, metadata) = await again.GetAsync(Blobs.Key($"k{i}"));
            content.AsSpan().SequenceEqual(Blobs.Bytes(i * 5000, seed: i)).ShouldBeTrue($"k{i}");
            Flat(metadata).ShouldBe(Flat(written[i]));
            Flat((await again.StatAsync(Blobs.Key($"k{i}"), Cancel)).Value.ShouldNotBeNull()).ShouldBe(Flat(written[i]));
        }
    }

    private static string Flat(BlobMetadata metadata) =>
        $"{metadata with { Tags = [], StoredHeaders = [], UnknownFields = [] }} {string.Join(',', metadata.Tags)} {string.Join(',', metadata.StoredHeaders)}";

    [Fact]
    public async Task Generations_go_on_growing_when_the_clock_was_set_back()
    {
        var clock = Clock();
        BlobMetadata first;
        await using (var store = await OpenAsync(time: clock))
            first = (await store.PutAsync(Blobs.Key("k"), "one"u8.ToArray())).Value.ShouldNotBeNull().Metadata;

        await using var again = await OpenAsync(time: new Microsoft.Extensions.Time.Testing.FakeTimeProvider(clock.GetUtcNow().AddDays(-300)));
        var second = (await again.PutAsync(Blobs.Key("k"), "two"u8.ToArray(), new PutOptions { Replace = true })).Value.ShouldNotBeNull().Metadata;

        second.Generation.ShouldBeGreaterThan(first.Generation);
    }

    [Fact]
    public async Task What_was_being_written_when_the_process_ended_is_removed()
    {
        await using (await OpenAsync())
            await File.WriteAllTextAsync(Path.Combine(TemporaryFolder, "12345-67.part"), "half a blob", Cancel);
        await using var store = await OpenAsync();
        Directory.GetFileSystemEntries(TemporaryFolder).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_first_start_that_was_killed_does_not_keep_the_same_process_id_from_starting_again()
    {
        // In a container every start has process id 1, and so the same names for temporary files.
        Directory.CreateDirectory(TemporaryFolder);
        for (var i = 0; i < 3; i++)
            await File.WriteAllTextAsync(Path.Combine(TemporaryFolder, $"{Environment.ProcessId}-{i}.part"), "{", Cancel);
        await using var store = await OpenAsync();
        (await store.PutAsync(Blobs.Key("k"), "x"u8.ToArray())).Status.ShouldBe(StoreStatus.Ok);
    }

    [Fact]
    public async Task A_store_that_lost_its_marker_finds_its_blobs_again()
    {
        await using (var store = await OpenAsync())
        {
            for (var i = 0; i < 20; i++)
                await store.PutAsync(Blobs.Key($"k{i}"), Blobs.Bytes(i * 10_000, seed: i));
        }
        var marker = await File.ReadAllTextAsync(Marker, Cancel);
        var names = BlobFiles();
        names.ShouldNotBeEmpty();
        File.Delete(Marker);

        await using (var again = await OpenAsync())
            await AssertAllAsync(again);

        (await File.ReadAllTextAsync(Marker, Cancel)).ShouldBe(marker, "the segments know the secret");
        BlobFiles().ShouldBe(names, ignoreOrder: true);
        await using var third = await OpenAsync();
        await AssertAllAsync(third);

        async Task AssertAllAsync(LocalStore store)
        {
            store.State.Blobs.ShouldBe(20);
            for (var i = 0; i < 20; i++)
                (await store.GetAsync(Blobs.Key($"k{i}"))).Content.AsSpan().SequenceEqual(Blobs.Bytes(i * 10_000, seed: i)).ShouldBeTrue($"k{i}");
        }
    }

    [Theory]
    [InlineData(1, 10)]
    [InlineData(5, 10)]
    [InlineData(1, 100_000)]
    [InlineData(5, 100_000)]
    public async Task Copies_of_a_blob_under_other_names_never_cost_the_newest_version(long copyGeneration, int length)
    {
        var (key, newest, older) = (Blobs.Key("k"), Blobs.Bytes(length, seed: 1), Blobs.Bytes(length, seed: 2));
        await MakeFormatOneAsync();
        await File.WriteAllBytesAsync(FormatOnePath(key), BlobImages.Make(key, newest, generation: 5), Cancel);
        for (var i = 0; i < 16; i++)
            await PlaceFormatOneAsync($"copy {i}", BlobImages.Make(key, copyGeneration == 5 ? newest : older, copyGeneration));

        await using (var again = await OpenAsync())
        {
            (await again.GetAsync(key)).Content.ShouldBe(newest);
            again.State.Blobs.ShouldBe(1);
        }
        BlobFile().ShouldBe($"{FormatOnePath(key)}.{5:x16}");
    }

    [Theory]
    [InlineData(10)]
    [InlineData(100_000)]
    public async Task A_backup_of_the_first_version_that_is_copied_over_a_live_folder_costs_nothing_newer(int length)
    {
        var (key, newest) = (Blobs.Key("k"), Blobs.Bytes(length, seed: 1));
        await using (var store = await OpenAsync())
            await store.PutAsync(key, newest);
        var files = BlobFiles();
        for (var i = 0; i < 16; i++)
            await PlaceFormatOneAsync($"copy {i}", BlobImages.Make(key, Blobs.Bytes(length, seed: 2), generation: 100 + i));
        await using var again = await OpenAsync();
        await again.Swept;
        (await again.GetAsync(key)).Content.ShouldBe(newest);
        again.State.Blobs.ShouldBe(1);
        BlobFiles().ShouldBe(files);
    }

    [Fact]
    public async Task A_newer_version_under_another_name_takes_the_right_name()
    {
        var key = Blobs.Key("k");
        await MakeFormatOneAsync();
        for (var i = 0; i < 16; i++)
            await PlaceFormatOneAsync($"copy {i}", BlobImages.Make(key, [(byte)i], generation: 100 + i));
        await using var store = await OpenAsync();
        (await store.GetAsync(key)).Content.ShouldBe([15]);
        BlobFile().ShouldBe($"{FormatOnePath(key)}.{115:x16}");
    }

    [Theory]
    [InlineData("""{"format":3}""")]
    [InlineData("""{"format":3,"keyHashSecret":"000102030405060708090a0b0c0d0e0f"}""")]
    [InlineData("""{"format":99,"keyHashSecret":7,"more":[]}""")]
    public async Task A_folder_of_a_newer_format_is_refused_and_told_so(string marker)
    {
        await File.WriteAllTextAsync(Marker, marker, Cancel);
        var refused = await Should.ThrowAsync<StoreUnavailableException>(() => OpenAsync());
        refused.Message.ShouldContain("newer EdgeCache");
        refused.Message.ShouldContain(Root);
        (await File.ReadAllTextAsync(Marker, Cancel)).ShouldBe(marker);
    }

    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("\0\0\0\0")]
    [InlineData("""{"format":1}""")]
    [InlineData("""{"format":1,"keyHashSecret":null}""")]
    [InlineData("""{"format":1,"keyHashSecret":"0001"}""")]
    [InlineData("""{"format":1,"keyHashSecret":"not hexadecimal, 32 characters.."}""")]
    [InlineData("""{"format":0,"keyHashSecret":"000102030405060708090a0b0c0d0e0f"}""")]
    [InlineData("""{"format":"1","keyHashSecret":"000102030405060708090a0b0c0d0e0f"}""")]
    public async Task A_marker_that_makes_no_sense_is_refused_and_removing_it_helps(string marker)
    {
        await File.WriteAllTextAsync(Marker, marker, Cancel);
        (await Should.ThrowAsync<StoreUnavailableException>(() => OpenAsync())).Message.ShouldContain("can't be understood");
        (await File.ReadAllTextAsync(Marker, Cancel)).ShouldBe(marker);
        File.Delete(Marker);
        await using var store = await OpenAsync();
        store.State.Fault.ShouldBeNull();
    }
}
