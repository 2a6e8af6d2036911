using System.Diagnostics;
using EdgeCache.TestKit;

namespace EdgeCache.Storage.Local.Tests;

/// <summary>What the store did not write is left alone, and never keeps it from starting.</summary>
public sealed class ForeignFileTests : LocalStoreTest
{
    [Fact]
    public async Task Foreign_files_stay_as_they_are_wherever_they_lie()
    {
        await using (var store = await OpenAsync())
            await store.PutAsync(Blobs.Key("k"), "mine"u8.ToArray());
        string[] files =
        [
            Path.Combine(Root, "notes.txt"), Path.Combine(BlobsFolder, "readme"), Path.Combine(BlobsFolder, "00", "x"), PlaceFor("text"),
            PlaceFor("upper").ToUpperInvariant().Replace(BlobsFolder.ToUpperInvariant(), BlobsFolder), Path.Combine(QuarantineFolder, "seen"),
            Path.Combine(SegmentsFolder, "notes.txt"), Path.Combine(SegmentsFolder, "0000ffff.seg"), Path.Combine(TemporaryFolder, "download.part"), Path.Combine(TemporaryFolder, "1-2.part.bak"), Path.Combine(TemporaryFolder, "list.txt"),
        ];
        foreach (var file in files)
        {
            Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            await File.WriteAllTextAsync(file, "somebody's", Cancel);
        }
        string[] empty = [PlaceFor("empty"), Path.Combine(BlobsFolder, "ff", "empty")];
        foreach (var file in empty)
            await File.WriteAllTextAsync(file, "", Cancel);
        string[] folders = [PlaceFor("folder"), Path.Combine(BlobsFolder, "zz"), Path.Combine(TemporaryFolder, "1-1.part"), Path.Combine(QuarantineFolder, "folder")];
        foreach (var folder in folders)
            Directory.CreateDirectory(folder);

        await using (var again = await OpenAsync())
        {
            await again.Swept;
            again.State.Blobs.ShouldBe(1);
            (await again.GetAsync(Blobs.Key("k"))).Content.ShouldBe("mine"u8.ToArray());
        }

        foreach (var file in files)
            (await File.ReadAllTextAsync(file, Cancel)).ShouldBe("somebody's", file);
        empty.ShouldAllBe(f => File.Exists(f));
        folders.ShouldAllBe(f => Directory.Exists(f));
        Logger.Messages.ShouldContain(m => m.Contains("2 foreign, 0 of a newer version"));
    }

    [Fact]
    public async Task Links_and_pipes_in_the_place_of_blobs_are_not_followed()
    {
        if (OperatingSystem.IsWindows())
            Assert.Skip("The system has no pipes in folders.");
        await using (await OpenAsync())
        {
        }
        var outside = Path.Combine(Root, "outside");
        await File.WriteAllBytesAsync(outside, BlobImages.Make(Blobs.Key("k"), "not in the store"u8.ToArray()), Cancel);
        string[] links = [PlaceFor("to a blob"), PlaceFor("to nothing"), PlaceFor("to a folder"), PlaceFor("to a device")];
        string[] targets = [outside, Path.Combine(Root, "nothing"), Root, "/dev/zero"];
        for (var i = 0; i < links.Length; i++)
            File.CreateSymbolicLink(links[i], targets[i]);
        await Process.Start("mkfifo", PlaceFor("pipe")).WaitForExitAsync(Cancel);

        await using var store = await Task.Run(() => OpenAsync()).WaitAsync(TimeSpan.FromSeconds(20), Cancel);

        await store.Swept;
        store.State.Blobs.ShouldBe(0);
        for (var i = 0; i < links.Length; i++)
            new FileInfo(links[i]).LinkTarget.ShouldBe(targets[i]);
        File.Exists(PlaceFor("pipe")).ShouldBeTrue();
        File.Exists(outside).ShouldBeTrue();
    }

    [Fact]
    public async Task A_damaged_file_that_can_not_be_put_into_quarantine_does_not_keep_the_store_from_starting()
    {
        await using (await OpenAsync())
        {
        }
        var path = PlaceFor("damaged");
        await File.WriteAllBytesAsync(path, BlobImages.Make(Blobs.Key("k"), [1, 2, 3])[..^1], Cancel);
        Directory.CreateDirectory(Path.Combine(QuarantineFolder, Path.GetFileName(path), "in the way"));
        await using var store = await OpenAsync();
        await store.Swept;
        store.State.Blobs.ShouldBe(0);
        (await store.PutAsync(Blobs.Key("k"), [1, 2, 3])).Status.ShouldBe(StoreStatus.Ok);
    }

    [Fact]
    public async Task A_misplaced_blob_never_overwrites_a_file_of_a_newer_version()
    {
        var key = Blobs.Key("k");
        await MakeFormatOneAsync();
        var right = FormatOnePath(key);
        var newer = BlobImages.Make(key, "newer"u8.ToArray());
        newer[8] = 2;
        await File.WriteAllBytesAsync(right, newer, Cancel);
        await PlaceFormatOneAsync("copy", BlobImages.Make(key, "copy"u8.ToArray()));
        await using var again = await OpenAsync();
        (await again.GetAsync(key)).Content.ShouldBe("copy"u8.ToArray());
        (await File.ReadAllBytesAsync(right, Cancel)).ShouldBe(newer);
    }
}
