using EdgeCache.Codecs.Choosing;
using EdgeCache.Storage.Local.Compressing;
using EdgeCache.Storage.Local.Disk;
using EdgeCache.TestKit;

namespace EdgeCache.Storage.Local.Tests;

/// <summary>What comes faster than it can be compressed is stored as it is, and compressed when there is time; nobody sees anything of it but the space.</summary>
public sealed class DeferredCompressionTests : EngineTest
{
    private const int Piece = 64 * 1024;
    private const int Large = 40 * Piece;

    private readonly BlobKey _key = Blobs.Key("a");
    private readonly Pressure _pressure = new();
    private readonly HashSet<BlobKey> _pinned = [];
    private bool _isRewriting;
    private Func<Task>? _whileItIsRead;

    [Theory]
    [InlineData(Large, 50, "deferred")]
    [InlineData(Large, 5000, "compressible")]
    [InlineData(5000, 50, "compressible")]
    public async Task Fast_content_is_deferred_and_slow_or_short_is_not(int length, int pause, string reason)
    {
        var clock = Clock();
        await using var store = await OpenAsync(Deferring, clock);
        var stored = await PutAsync(store, Contents.Text(length), () => clock.Advance(TimeSpan.FromMicroseconds(pause)));
        stored.Coding.ShouldBe(reason == "deferred" ? "" : "zstd");
        Reasons(store).ShouldBe([reason]);
    }

    [Theory]
    [InlineData(5000, 0.8)]
    [InlineData(5000, 1.0)]
    [InlineData(Large, 1.0)]
    public async Task While_the_processors_are_busy_everything_is_deferred(int length, double pressure)
    {
        _pressure.Current = pressure;
        await using var store = await OpenAsync(Deferring, Clock());
        (await PutAsync(store, Contents.Text(length))).Coding.ShouldBe("");
        Reasons(store).ShouldBe(["deferred"]);
    }

    [Fact]
    public async Task What_would_not_be_compressed_is_not_deferred()
    {
        _pressure.Current = 0.8;
        await using var store = await OpenAsync(Deferring, Clock());
        await PutAsync(store, Blobs.Bytes(Large, seed: 1));
        Reasons(store).ShouldBe(["entropy"]);
    }

    [Fact]
    public async Task When_enough_wait_the_next_is_compressed_at_once()
    {
        _pressure.Current = 0.8;
        await using var store = await OpenAsync(Deferring with { MaxDeferred = static () => 1 }, Clock());
        await PutAsync(store, Contents.Text(5000));
        (await PutAsync(store, Contents.Text(5000, seed: 1), key: Blobs.Key("b"))).Coding.ShouldBe("zstd");
    }

    [Fact]
    public async Task It_is_compressed_once_it_has_rested_and_the_processors_have_time()
    {
        var content = Contents.Text(Large);
        _pressure.Current = 0.8;
        var clock = Clock();
        await using var store = await OpenAsync(Deferring, clock);
        var before = await PutAsync(store, content);
        var used = store.State.UsedBytes;
        _pressure.Current = 0;

        await Eventually.TrueAsync(
            async () =>
            {
                clock.Advance(TimeSpan.FromSeconds(1));
                return (await store.StatAsync(_key, Cancel)).Value!.Coding == "zstd";
            },
            TimeSpan.FromSeconds(20),
            "it is compressed");
        var after = (await store.StatAsync(_key, Cancel)).Value!;
        after.PayloadLength.ShouldBeLessThan(content.Length / 2);
        (after.Sha256, after.Created, after.ContentType, after.Writer).ShouldBe((before.Sha256, before.Created, "text/x-test", "somebody"));
        after.Tags.ShouldBe(["one", "two"]);
        after.StoredHeaders.ShouldBe([new("X-Test", "kept")]);
        (await store.GetAsync(_key)).Content.ShouldBe(content);
        await Eventually.TrueAsync(() => store.State.UsedBytes < used, TimeSpan.FromSeconds(20), "the old form has gone");
        Reasons(store).ShouldBe(["compressible", "deferred"], ignoreOrder: true);
    }

    [Fact]
    public async Task Nothing_is_compressed_while_the_processors_are_busy()
    {
        _pressure.Current = 0.8;
        var clock = new StepClock();
        await using var store = await OpenAsync(Deferring, clock);
        await PutAsync(store, Contents.Text(5000));
        for (var i = 0; i < 20; i++)
            await clock.StepAsync(TimeSpan.FromSeconds(3), Cancel);
        (await store.StatAsync(_key, Cancel)).Value!.Coding.ShouldBe("");
    }

    [Theory]
    [InlineData(5000)]
    [InlineData(Large)]
    public async Task What_was_written_meanwhile_stays(int length)
    {
        var other = Contents.Text(length, seed: 2);
        await using (var store = await OpenHookedAsync(Files()))
        {
            await PutAsync(store, Contents.Text(length));
            _whileItIsRead = () => PutAsync(store, other);
            (await RewriteAsync(store)).ShouldBe(DeferredResult.Dropped);
            (await store.GetAsync(_key)).Content.ShouldBe(other);
        }
        File.Delete(Snapshot);
        await using var again = await OpenHookedAsync(Files());
        (await again.GetAsync(_key)).Content.ShouldBe(other);
    }

    [Fact]
    public async Task What_was_written_while_its_file_was_synced_stays()
    {
        var files = Files();
        var other = Contents.Text(Large, seed: 2);
        await using var store = await OpenHookedAsync(files);
        await PutAsync(store, Contents.Text(Large));
        files.OnFolderSync = _ =>
        {
            files.OnFolderSync = null;
            PutAsync(store, other).GetAwaiter().GetResult();
        };
        (await RewriteAsync(store)).ShouldBe(DeferredResult.Dropped);
        (await store.GetAsync(_key)).Content.ShouldBe(other);
        BlobFile().ShouldNotBeNull();
    }

    [Theory]
    [InlineData(5000)]
    [InlineData(Large)]
    public async Task What_was_deleted_meanwhile_stays_deleted(int length)
    {
        await using (var store = await OpenHookedAsync(Files()))
        {
            await PutAsync(store, Contents.Text(length));
            _whileItIsRead = () => store.DeleteAsync(_key, null, Cancel).AsTask();
            (await RewriteAsync(store)).ShouldBe(DeferredResult.Dropped);
            (await store.StatAsync(_key, Cancel)).Status.ShouldBe(StoreStatus.Missing);
        }
        File.Delete(Snapshot);
        await using var again = await OpenHookedAsync(Files());
        (await again.StatAsync(_key, Cancel)).Status.ShouldBe(StoreStatus.Missing);
        await again.Swept;
        BlobFiles().ShouldBeEmpty();
    }

    [Fact]
    public async Task A_file_that_was_written_before_and_published_after_it_wins_also_after_a_restart()
    {
        var files = Files();
        var other = Contents.Text(Large, seed: 2);
        await using (var store = await OpenHookedAsync(files))
        {
            await PutAsync(store, Contents.Text(Large));

            // The writer's file has got its generation and is being named, while the other is rewritten with a larger one.
            var rewritten = DeferredResult.Dropped;
            files.OnFolderSync = _ =>
            {
                files.OnFolderSync = null;
                rewritten = RewriteAsync(store).GetAwaiter().GetResult();
            };
            await PutAsync(store, other);
            rewritten.ShouldBe(DeferredResult.Done);
            (await store.GetAsync(_key)).Content.ShouldBe(other);
        }
        File.Delete(Snapshot);
        await using var again = await OpenHookedAsync(files);
        (await again.GetAsync(_key)).Content.ShouldBe(other);
    }

    [Fact]
    public async Task Who_reads_the_old_form_reads_on()
    {
        var content = Contents.Text(Large);
        await using var store = await OpenHookedAsync(Files());
        await PutAsync(store, content);
        await using var reader = (await store.OpenReadAsync(_key, ByteRange.Whole, Cancel)).Value!;
        var head = new byte[1000];
        (await reader.ReadAsync(0, head, Cancel)).ShouldBe(head.Length);
        (await RewriteAsync(store)).ShouldBe(DeferredResult.Done);
        var rest = new byte[content.Length - 1000];
        for (var at = 0; at < rest.Length;)
            at += await reader.ReadAsync(1000 + at, rest.AsMemory(at), Cancel);
        ((byte[])[.. head, .. rest]).ShouldBe(content);
    }

    [Fact]
    public async Task A_pinned_blob_is_left_alone_until_it_is_not()
    {
        await using var store = await OpenHookedAsync(Files());
        await PutAsync(store, Contents.Text(5000));
        _pinned.Add(_key);
        (await RewriteAsync(store)).ShouldBe(DeferredResult.NotNow);
        _pinned.Clear();
        _whileItIsRead = () => Task.FromResult(_pinned.Add(_key));
        (await RewriteAsync(store)).ShouldBe(DeferredResult.Dropped, "it was pinned meanwhile");
        _whileItIsRead = null;
        _pinned.Clear();
        (await RewriteAsync(store)).ShouldBe(DeferredResult.Done);
    }

    [Theory]
    [InlineData(1.0, false)]
    [InlineData(2.0, false)]
    [InlineData(2.2, true)]
    public async Task Nothing_is_evicted_for_it(double room, bool hasRoom)
    {
        // Beyond 95 % of a quota room is made in the background.
        await using var store = await OpenHookedAsync(Files(), quota: (long)(room * (Large + (64 * 1024))));
        await PutAsync(store, Contents.Text(Large));
        (await RewriteAsync(store)).ShouldBe(hasRoom ? DeferredResult.Done : DeferredResult.NotNow);
        (await store.StatAsync(_key, Cancel)).Value!.Coding.ShouldBe(hasRoom ? "zstd" : "");
    }

    [Theory]
    [InlineData(0.8)]
    [InlineData(1.0)]
    public async Task What_is_under_way_is_compressed_as_hard_as_is_asked_for_whatever_the_processors_do(double pressure)
    {
        await using var store = await OpenHookedAsync(Files());
        var content = Contents.Text(Large);
        await PutAsync(store, content);
        _pressure.Current = pressure;
        (await RewriteAsync(store)).ShouldBe(DeferredResult.Done);
        var busy = (await store.StatAsync(_key, Cancel)).Value!.PayloadLength;
        _pressure.Current = 0;
        await PutAsync(store, Contents.Text(10));
        await PutAsync(store, content);
        (await RewriteAsync(store)).ShouldBe(DeferredResult.Done);
        (await store.StatAsync(_key, Cancel)).Value!.PayloadLength.ShouldBe(busy);
    }

    [Fact]
    public async Task It_stops_for_a_mebibyte_when_there_is_no_time_any_more()
    {
        await using var store = await OpenHookedAsync(Files());
        await PutAsync(store, Contents.Text(Large));
        var asked = 0;
        _isRewriting = true;
        await store.CompressStoredAsync(store.Entry(_key)!.Value.Hash, _ => Task.FromResult(asked++), Cancel);
        asked.ShouldBe((Large + (1 << 20) - 1) >> 20);
    }

    [Fact]
    public async Task What_does_not_shrink_after_all_stays_and_is_not_tried_again()
    {
        await using var store = await OpenHookedAsync(Files());
        var content = Blobs.Bytes(Large, seed: 3);
        await PutAsync(store, content);
        (await RewriteAsync(store)).ShouldBe(DeferredResult.Dropped);
        (await store.GetAsync(_key)).Content.ShouldBe(content);
        Reasons(store).ShouldBe(["entropy", "off"], ignoreOrder: true);
    }

    [Fact]
    public async Task Rot_that_reading_would_not_find_is_found()
    {
        await using var store = await OpenHookedAsync(Files());
        await PutAsync(store, Contents.Text(Large));
        await store.GetAsync(_key);
        store.Entry(_key)!.Value.IsVerified.ShouldBeTrue();
        await FlipAsync(BlobFile(), Large / 2);
        (await RewriteAsync(store)).ShouldBe(DeferredResult.Dropped);
        (await store.StatAsync(_key, Cancel)).Status.ShouldBe(StoreStatus.Missing);
    }

    [Fact]
    public async Task Damage_is_not_given_new_checksums()
    {
        await using var store = await OpenHookedAsync(Files());
        await PutAsync(store, Contents.Text(Large));
        await FlipAsync(BlobFile(), Large / 2);
        await Should.ThrowAsync<BlobDamagedException>(() => RewriteAsync(store));
        (await store.StatAsync(_key, Cancel)).Status.ShouldBe(StoreStatus.Missing);
    }

    [Fact]
    public async Task A_disk_that_fails_changes_nothing()
    {
        var files = Files();
        var content = Contents.Text(Large);
        await using var store = await OpenHookedAsync(files);
        await PutAsync(store, content);
        files.OnSync = _ => throw new IOException("no");
        (await RewriteAsync(store)).ShouldBe(DeferredResult.Dropped);
        files.OnSync = null;
        (await store.GetAsync(_key)).Content.ShouldBe(content);
        Directory.GetFiles(TemporaryFolder).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_store_that_closes_does_not_wait_for_what_is_due_later()
    {
        _pressure.Current = 0.8;
        var store = await OpenAsync(Deferring);
        await PutAsync(store, Contents.Text(Large));
        await store.DisposeAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(20), Cancel);
    }

    private LocalStoreOptions Deferring => Options with { Compression = static _ => new CompressionPolicy(), CpuPressure = _pressure, MaxDeferred = static () => 100 };

    private static IEnumerable<string> Reasons(LocalStore store) => store.State.Compression.Select(c => c.Reason.ToString().ToLowerInvariant());

    private async Task<BlobMetadata> PutAsync(LocalStore store, byte[] content, Action? afterEach = null, BlobKey? key = null)
    {
        var options = new PutOptions { Replace = true, ContentType = "text/x-test", Writer = "somebody", Tags = ["one", "two"], StoredHeaders = [new("X-Test", "kept")] };
        await using var writer = (await store.OpenWriteAsync(key ?? _key, options, Cancel)).Value.ShouldNotBeNull();
        for (var at = 0; at < content.Length; at += Piece)
        {
            (await writer.WriteAsync(content.AsMemory(at, Math.Min(Piece, content.Length - at)), Cancel)).ShouldBe(StoreStatus.Ok);
            afterEach?.Invoke();
        }
        return (await writer.CommitAsync(Cancel)).Value.ShouldNotBeNull().Metadata;
    }

    private async Task<DeferredResult> RewriteAsync(LocalStore store)
    {
        _isRewriting = true;
        try
        {
            return await store.CompressStoredAsync(store.Entry(_key)!.Value.Hash, static _ => Task.CompletedTask, Cancel);
        }
        finally
        {
            _isRewriting = false;
        }
    }

    /// <summary>A store that compresses only what a test rewrites, and asks the test what is to happen when that has been opened.</summary>
    private Task<LocalStore> OpenHookedAsync(HookedFiles files, long quota = long.MaxValue)
    {
        var layout = new StoreLayout(Root);
        layout.Create();
        var options = Deferring with
        {
            MaxDeferred = static () => 0,
            IsPinned = _pinned.Contains,
            Limits = _ => NamespaceLimits.None with { QuotaBytes = quota },
            Compression = _ =>
            {
                if (!_isRewriting)
                    return CompressionPolicy.Off;
                _isRewriting = false;
                _whileItIsRead?.Invoke().GetAwaiter().GetResult();
                return new CompressionPolicy();
            },
        };
        return LocalStore.OpenAsync(options, layout, files, null, (Secret, StoreMarker.Format), TimeProvider.System, Logger);
    }

    private sealed class Pressure : ICpuPressure
    {
        public double Current { get; set; }
    }
}
