using EdgeCache.Storage.Local.Files;
using EdgeCache.TestKit;

namespace EdgeCache.Storage.Local.Tests;

/// <summary>A read that has to wait for the disk waits on a disk thread, and whoever asked has his thread back at once.</summary>
public sealed class ColdReadTests : LocalStoreTest
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);

    [Theory]
    [InlineData(4000, 0)]
    [InlineData(4000, 600)]
    [InlineData(3_000_000, 0)]
    [InlineData(3_000_000, 10_000)]
    public async Task What_is_not_in_memory_is_read_on_a_disk_thread_and_the_caller_goes_on_meanwhile(int length, int readableNow)
    {
        var files = new WatchedFiles(Root);
        await using var store = await files.OpenStoreAsync(Options);
        var content = Blobs.Bytes(length);
        await store.PutAsync(Blobs.Key("cold"), content);
        // Three times: unverified, verified, and with the file held open.
        for (var round = 0; round < 3; round++)
        {
            files.ReadableNow = readableNow;
            files.Gate.Reset();
            files.WaitedOn.Clear();
            var reading = await AsksWithoutWaitingAsync(() => ReadAsync(store, "cold", length));
            if (round < 2 || (length > 4000 && readableNow == 0))
                reading.IsCompleted.ShouldBeFalse("the disk has not answered yet");
            files.Gate.Set();
            (await reading.WaitAsync(Limit, Cancel)).ShouldBe(content);
            files.WaitedOn.ShouldAllBe(name => name.StartsWith("disk read", StringComparison.Ordinal));
        }
    }

    [Theory]
    [InlineData(4000)]
    [InlineData(100_000)]
    public async Task What_is_known_of_a_blob_is_read_on_a_disk_thread_too(int length)
    {
        var files = new WatchedFiles(Root);
        await using var store = await files.OpenStoreAsync(Options);
        await store.PutAsync(Blobs.Key("cold"), Blobs.Bytes(length));
        files.ReadableNow = 0;
        files.Gate.Reset();
        files.WaitedOn.Clear();
        var asking = await AsksWithoutWaitingAsync(() => store.StatAsync(Blobs.Key("cold"), Cancel).AsTask());
        asking.IsCompleted.ShouldBeFalse();
        files.Gate.Set();
        (await asking.WaitAsync(Limit, Cancel)).Value.ShouldNotBeNull().Length.ShouldBe(length);
        files.WaitedOn.ShouldNotBeEmpty();
        files.WaitedOn.ShouldAllBe(name => name.StartsWith("disk read", StringComparison.Ordinal));
    }

    [Fact]
    public async Task What_is_in_memory_is_read_without_a_disk_thread()
    {
        var files = new WatchedFiles(Root);
        await using var store = await files.OpenStoreAsync(Options with { MemoryTierBytes = 0 });
        await store.PutAsync(Blobs.Key("warm"), Blobs.Bytes(4000));
        files.WaitedOn.Clear();
        for (var i = 0; i < 3; i++)
            (await store.GetAsync(Blobs.Key("warm"))).Content.ShouldBe(Blobs.Bytes(4000));
        (await store.StatAsync(Blobs.Key("warm"), Cancel)).IsOk.ShouldBeTrue("the last record of a segment ends before a header's usual length");
        files.WaitedOn.ShouldBeEmpty();
    }

    [Fact]
    public async Task A_file_of_the_real_disk_that_is_not_in_the_page_cache_would_be_waited_for()
    {
        var path = Path.Combine(Root, "file");
        var content = Blobs.Bytes(4 << 20);
        var files = new DiskFileSystem(Root);
        using var file = files.Create(path);
        file.Write(0, content);
        file.Sync();
        var dropped = await ToolRun.RunAsync("dd", [$"of={path}", "oflag=nocache", "conv=notrunc,fdatasync", "count=0", "status=none"]);
        dropped.ExitCode.ShouldBe(0, dropped.Error);

        var buffer = new byte[content.Length];
        var now = file.TryReadNow(0, buffer);
        Assert.SkipWhen(now == content.Length, "This file system keeps its pages.");
        file.Read(0, buffer).ShouldBe(content.Length);
        buffer.ShouldBe(content);

        buffer.AsSpan().Clear();
        now = file.TryReadNow(0, buffer);
        Assert.SkipWhen(now < 0, "This file system can't say.");
        buffer.AsSpan(0, now).SequenceEqual(content.AsSpan(0, now)).ShouldBeTrue();
    }

    /// <summary>Calls from a thread of the pool, as the server does, and comes back when the call does.</summary>
    private static async Task<Task<T>> AsksWithoutWaitingAsync<T>(Func<Task<T>> call)
    {
        Task<T>? asked = null;
        await Task.Run(() => { asked = call(); }, Cancel).WaitAsync(Limit, Cancel);
        return asked!;
    }

    private static async Task<byte[]> ReadAsync(LocalStore store, string key, int length)
    {
        await using var reader = (await store.OpenReadAsync(Blobs.Key(key), ByteRange.Whole, Cancel)).Value.ShouldNotBeNull();
        var content = new byte[length];
        await reader.ReadFullyAsync(0, content);
        return content;
    }
}
