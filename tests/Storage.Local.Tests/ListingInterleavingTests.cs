using EdgeCache.Storage.Local.Disk;
using EdgeCache.Storage.Local.Files;
using EdgeCache.Storage.Local.Segments;
using EdgeCache.TestKit;
using Microsoft.Extensions.Logging.Abstractions;

namespace EdgeCache.Storage.Local.Tests;

/// <summary>What the log does while a listing reads it, at the worst moment for each.</summary>
public sealed class ListingInterleavingTests : LocalStoreTest
{
    /// <summary>The scan reads that much at a time; nothing else does.</summary>
    private const int ScanLength = 1 << 20;

    private static readonly HashSecret Secret = new(1, 2);

    private StoreLayout Layout => new(Root);

    [Theory]
    [InlineData("moved and removed")]
    [InlineData("moved and not removed")]
    public async Task What_is_moved_before_its_segment_is_read_to_one_that_has_been_read_is_listed(string fate)
    {
        var files = new HookedFiles(new DiskFileSystem(Root));
        await using var store = await OpenAsync(files);
        var late = await MakeOlderMainSegmentAsync(store);
        files.OnDelete = path =>
        {
            if (fate == "moved and not removed" && path.EndsWith(".seg", StringComparison.Ordinal))
                throw new IOException("EIO");
        };
        BeforeScanOf(files, late, () => store.EmptyAsync(late, keepAll: true).AsTask().Wait(Cancel));

        (await KeysAsync(store, new BlobPrefix("test"))).ShouldBe(["a", "b", "x"]);

        files.OnRead.ShouldBeNull("the segment was read");
        (store.Internals.Segments.Find(late.Id) is null).ShouldBe(fate == "moved and removed");
        (await KeysAsync(store, new BlobPrefix("test", Tag: "t"))).ShouldBe(["a", "b"]);
    }

    [Fact]
    public async Task What_is_moved_while_it_is_listed_is_listed_by_its_tag_and_after_its_segment_has_gone()
    {
        var files = new HookedFiles(new DiskFileSystem(Root));
        await using var store = await OpenAsync(files);
        var late = await MakeOlderMainSegmentAsync(store);
        (await KeysAsync(store, new BlobPrefix("test"))).ShouldBe(["a", "b", "x"]);

        // Its row names the segment that goes; the copy lies behind what the next listing takes for the end.
        await store.PutAsync(Blobs.Key("y"), Blobs.Bytes(10));
        var tail = store.Internals.Segments.List()[^1];
        BeforeScanOf(files, tail, () => store.EmptyAsync(late, keepAll: true).AsTask().Wait(Cancel));

        (await KeysAsync(store, new BlobPrefix("test", Tag: "t"))).ShouldBe(["a", "b"]);
        store.Internals.Segments.Find(late.Id).ShouldBeNull();
        (await KeysAsync(store, new BlobPrefix("test"))).ShouldBe(["a", "b", "x", "y"]);
        await store.DeleteAsync(Blobs.Key("a"), null, Cancel);
        (await KeysAsync(store, new BlobPrefix("test", Tag: "t"))).ShouldBe(["b"]);
    }

    [Fact]
    public async Task A_write_that_failed_and_is_found_in_the_log_does_not_hide_what_the_key_has()
    {
        var old = new PutOptions { Replace = true, Tags = ["old"] };
        var files = new HookedFiles(new DiskFileSystem(Root));
        await using (var store = await OpenAsync(files))
        {
            await store.PutAsync(Blobs.Key("k"), Blobs.Bytes(10), old);
            await store.Internals.Log.SealAsync(SegmentClass.Probation);
            // Its record gets to the disk and its sync fails: the file is taken back, the record stays.
            files.OnSync = path =>
            {
                if (path.EndsWith(".seg", StringComparison.Ordinal) && new FileInfo(path).Length > Segment.HeaderLength)
                    throw new IOException("EIO");
            };
            await store.PutAsync(Blobs.Key("k"), Blobs.Bytes(200_000), new PutOptions { Replace = true, Tags = ["new"] });
            CopyTo(Path.Combine(Root, "crash"));
            files.OnSync = null;
        }
        var layout = new StoreLayout(Path.Combine(Root, "crash"));
        layout.Create();
        await using var again = await OpenAsync(new HookedFiles(new DiskFileSystem(layout.Root)), layout);
        (await KeysAsync(again, new BlobPrefix("test"))).ShouldBe(["k"]);
        (await KeysAsync(again, new BlobPrefix("test", Tag: "old"))).ShouldBe(["k"]);
        (await KeysAsync(again, new BlobPrefix("test", Tag: "new"))).ShouldBeEmpty();

        // And it takes nothing with it when its segment goes.
        await again.EmptyAsync(again.Internals.Segments.List()[^1], keepAll: true);
        (await KeysAsync(again, new BlobPrefix("test", Tag: "old"))).ShouldBe(["k"]);
    }

    [Fact]
    public async Task A_record_that_is_in_the_log_and_not_yet_in_the_index_is_waited_for()
    {
        var files = new HookedFiles(new DiskFileSystem(Root));
        await using var store = await OpenAsync(files);
        await store.PutAsync(Blobs.Key("a"), Blobs.Bytes(10));
        (await KeysAsync(store, new BlobPrefix("test"))).ShouldBe(["a"]);
        var puts = Enumerable.Range(0, 400).Select(i => store.PutAsync(Blobs.Key($"p{i:d3}"), Blobs.Bytes(10))).ToList();
        while (!puts.TrueForAll(p => p.IsCompleted))
            await KeysAsync(store, new BlobPrefix("test"));
        await Task.WhenAll(puts);

        (await KeysAsync(store, new BlobPrefix("test"))).Count.ShouldBe(401);
    }

    /// <summary>A main segment that is still written to, and a younger one on probation with two blobs that will move to it.</summary>
    private static async Task<Segment> MakeOlderMainSegmentAsync(LocalStore store)
    {
        var (segments, log) = store.Internals;
        await store.PutAsync(Blobs.Key("x"), Blobs.Bytes(1000, 1));
        await store.GetAsync(Blobs.Key("x"));
        await log.SealAsync(SegmentClass.Probation);
        (await store.EmptyAsync(segments.List()[0], keepAll: true)).ShouldBe(EmptyResult.Removed);
        foreach (var name in (string[])["a", "b"])
        {
            await store.PutAsync(Blobs.Key(name), Blobs.Bytes(1000), new PutOptions { Tags = ["t"] });
            await store.GetAsync(Blobs.Key(name));
        }
        await log.SealAsync(SegmentClass.Probation);
        var late = segments.List()[^1];
        late.Class.ShouldBe(SegmentClass.Probation);
        segments.List()[0].Class.ShouldBe(SegmentClass.Main);
        return late;
    }

    /// <summary>Does something once, before the scan of a segment gets to read it.</summary>
    private static void BeforeScanOf(HookedFiles files, Segment segment, Action action) => files.OnRead = (path, _, length) =>
    {
        if (length < ScanLength || !path.EndsWith($"{segment.Id:x8}.seg", StringComparison.Ordinal))
            return;
        files.OnRead = null;
        action();
    };

    private void CopyTo(string target)
    {
        var sources = Directory.GetFiles(Root, "*", SearchOption.AllDirectories);
        foreach (var source in sources)
        {
            var copy = source.Replace(Root, target, StringComparison.Ordinal);
            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            using var from = new FileStream(source, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            using var to = File.Create(copy);
            from.CopyTo(to);
        }
    }

    private static async Task<List<string>> KeysAsync(LocalStore store, BlobPrefix prefix)
    {
        var keys = new List<string>();
        await foreach (var blob in store.ListAsync(prefix, Cancel))
            keys.Add(blob.Key.Key);
        return keys;
    }

    private Task<LocalStore> OpenAsync(HookedFiles files, StoreLayout? layout = null)
    {
        (layout ?? Layout).Create();
        return LocalStore.OpenAsync(
            Options with { Path = (layout ?? Layout).Root }, layout ?? Layout, files, null, (Secret, StoreMarker.Format), TimeProvider.System, NullLogger.Instance);
    }
}
