using EdgeCache.Storage.Local.Disk;
using EdgeCache.Storage.Local.Files;
using EdgeCache.Storage.Local.Segments;
using EdgeCache.Storage.Local.Tests.Simulation;
using EdgeCache.TestKit;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace EdgeCache.Storage.Local.Tests.Format;

/// <summary>
/// The format of segments is frozen: this one, with a live record, a dead one and one of a large blob, must be read, and written, for ever. A change that fails here
/// needs a new version number, not a new file.
/// </summary>
public sealed class GoldenSegmentTests
{
    private const string Root = "/store";
    private const int LargeLength = 100_000;
    private static readonly StoreLayout Layout = new(Root);
    private static readonly LocalStoreOptions Options = new() { Path = Root, MinFreeBytes = 0 };
    private static readonly HashSecret Secret = HashSecret.FromBytes(Convert.FromHexString("000102030405060708090a0b0c0d0e0f"));
    private static readonly DateTimeOffset Created = new(2026, 1, 1, 0, 0, 0, 123, TimeSpan.Zero);
    private static readonly PutOptions Live = new() { ContentType = "text/plain", Writer = "ci-runner", Tags = ["release"], StoredHeaders = [new("x-artifact-tag", "abc")] };

    private static string GoldenPath => Path.Combine(AppContext.BaseDirectory, "Golden", "segment-2.seg");

    [Fact]
    public async Task The_writer_writes_the_same_bytes_today()
    {
        var disk = new SimulatedDisk(Layout.Folders());
        await using (var store = await OpenAsync(disk))
        {
            (await store.PutAsync(Key("live"), Blobs.Bytes(0), Live)).Status.ShouldBe(StoreStatus.Ok);
            (await store.PutAsync(Key("dead"), "deleted"u8.ToArray())).Status.ShouldBe(StoreStatus.Ok);
            (await store.PutAsync(Key("large"), Content())).Status.ShouldBe(StoreStatus.Ok);
            (await store.PutAsync(Key("text"), "some content"u8.ToArray())).Status.ShouldBe(StoreStatus.Ok);
            (await store.DeleteAsync(Key("dead"), null, CancellationToken.None)).Status.ShouldBe(StoreStatus.Ok);
        }
        var written = disk.NothingKept().Files[SegmentPath].Content.ToArray();
        written.ShouldBe(await File.ReadAllBytesAsync(GoldenPath, TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task The_reader_reads_it()
    {
        var disk = new SimulatedDisk(Layout.Folders());
        await PlaceAsync(disk, SegmentPath, await File.ReadAllBytesAsync(GoldenPath, TestContext.Current.CancellationToken));
        var generation = (Created.ToUnixTimeMilliseconds() * 1000) + 2;
        await PlaceAsync(disk, Layout.BlobPath(KeyHash.Of(Key("large"), Secret), generation), BlobImages.Make(Key("large"), Content(), generation));
        SegmentSet.FindSecret(Layout.Segments, disk).ShouldBe(Secret);

        await using var store = await OpenAsync(disk);

        store.State.Blobs.ShouldBe(3);
        var (content, metadata) = await store.GetAsync(Key("live"));
        content.ShouldBeEmpty();
        (metadata.ContentType, metadata.Writer, metadata.Created, metadata.Generation).ShouldBe(("text/plain", "ci-runner", Created, generation - 2));
        metadata.Tags.ShouldBe(Live.Tags);
        metadata.StoredHeaders.ShouldBe(Live.StoredHeaders);
        (await store.GetAsync(Key("text"))).Content.ShouldBe("some content"u8.ToArray());
        (await store.GetAsync(Key("large"))).Content.ShouldBe(Content());
        (await store.TryGetAsync(Key("dead"))).ShouldBeNull();
    }

    private static string SegmentPath => Path.Combine(Layout.Segments, "00000001.seg");

    private static byte[] Content() => [.. Enumerable.Range(0, LargeLength).Select(i => (byte)(i * 31 % 251))];

    private static BlobKey Key(string name) => BlobKey.Create("golden", "team-a", name);

    private static Task<LocalStore> OpenAsync(IFileSystem files) =>
        LocalStore.OpenAsync(Options, Layout, files, null, (Secret, StoreMarker.Format), new FakeTimeProvider(Created), NullLogger.Instance);

    private static Task PlaceAsync(SimulatedDisk disk, string path, byte[] content)
    {
        using var file = disk.Create(path);
        file.Write(0, content);
        file.Sync();
        disk.SyncFolder(Path.GetDirectoryName(path)!);
        return Task.CompletedTask;
    }
}
