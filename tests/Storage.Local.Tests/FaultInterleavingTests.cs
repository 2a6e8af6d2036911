// Terse on purpose: each is one interleaving, step by step, against a file system with hooks.
using EdgeCache.Storage.Local.Disk;
using EdgeCache.Storage.Local.Files;
using EdgeCache.Storage.Local.Format;
using EdgeCache.Storage.Local.Segments;
using EdgeCache.Storage.Local.Tests.Simulation;
using EdgeCache.TestKit;
using Microsoft.Extensions.Logging.Abstractions;

namespace EdgeCache.Storage.Local.Tests;

public sealed class FaultInterleavingTests : LocalStoreTest
{
    private static readonly HashSecret Secret = new(1, 2);
    private int _copies;
    private StoreLayout L => new(Root);
    private HookedFiles Fs() => new(new DiskFileSystem(Root));
    private async Task<LocalStore> Open(HookedFiles fs, long max = 1L << 30, string? root = null)
    {
        var layout = new StoreLayout(root ?? Root); layout.Create();
        return await LocalStore.OpenAsync(new LocalStoreOptions { Path = layout.Root, MaxBytes = max, MinFreeBytes = 0 }, layout, fs, null, (Secret, StoreMarker.Format), TimeProvider.System, NullLogger.Instance);
    }
    private static PutOptions R => new() { Replace = true };
    private string CrashCopy(bool snapshot = true)
    {
        // Within the test's folder, so that it goes with it. What is listed is read before the first copy is made.
        var to = Path.Combine(Root, $"crash-{++_copies}");
        foreach (var d in Directory.GetDirectories(Root, "*", SearchOption.AllDirectories)) Directory.CreateDirectory(d.Replace(Root, to));
        foreach (var f in Directory.GetFiles(Root, "*", SearchOption.AllDirectories)) File.WriteAllBytes(f.Replace(Root, to), ReadShared(f));
        if (!snapshot) File.Delete(Path.Combine(to, "index.snapshot"));
        return to;
    }
    private static byte[] ReadShared(string f) { using var s = new FileStream(f, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete); var b = new byte[s.Length]; s.ReadExactly(b); return b; }

    [Fact]
    public async Task T01_verified_survives_restart()
    {
        var content = Blobs.Bytes(5000);
        await using (var s = await Open(Fs())) { await s.PutAsync(Blobs.Key("a"), content); await s.GetAsync(Blobs.Key("a")); }
        var seg = Directory.GetFiles(L.Segments).Single();
        var bytes = File.ReadAllBytes(seg); bytes[3000] ^= 0xff; File.WriteAllBytes(seg, bytes);
        await using var again = await Open(Fs());
        if (await again.TryGetAsync(Blobs.Key("a")) is { } got) got.Content.ShouldBe(content);
    }

    [Fact]
    public async Task T02_delete_is_acked_before_any_sync_ends()
    {
        var fs = Fs(); await using var s = await Open(fs);
        await s.PutAsync(Blobs.Key("a"), Blobs.Bytes(10)); await s.PutAsync(Blobs.Key("b"), Blobs.Bytes(20));
        using var both = new Barrier(2); using var gate = new ManualResetEventSlim(); var ended = 0;
        fs.OnWritten = (p, o, n) => { if (n == 1) both.SignalAndWait(1000); };
        fs.OnSync = p => { gate.Wait(10000); Interlocked.Increment(ref ended); };
        var a = s.DeleteAsync(Blobs.Key("a"), null, Cancel).AsTask(); var b = s.DeleteAsync(Blobs.Key("b"), null, Cancel).AsTask();
        var first = await Task.WhenAny(a, b, Task.Delay(TimeSpan.FromSeconds(2), TimeProvider.System));
        var acked = (first == a || first == b); var syncs = Volatile.Read(ref ended);
        gate.Set(); await Task.WhenAll(a, b); fs.OnSync = null; fs.OnWritten = null;
        (acked && syncs == 0).ShouldBeFalse("a DELETE was acknowledged although no sync had ended");
    }

    [Fact]
    public async Task T03_failed_put_comes_back_after_acknowledged_delete()
    {
        var fs = Fs();
        await using (var s = await Open(fs))
        {
            await s.PutAsync(Blobs.Key("other"), Blobs.Bytes(10, 9), R); await s.PutAsync(Blobs.Key("a"), Blobs.Bytes(10, 1), R);
            fs.OnSync = p => { if (p.EndsWith(".seg")) { fs.OnSync = null; throw new IOException("EIO"); } };
            (await s.PutAsync(Blobs.Key("a"), Blobs.Bytes(10, 2), R)).Status.ShouldBe(StoreStatus.Unavailable);
            (await s.GetAsync(Blobs.Key("a"))).Content.ShouldBe(Blobs.Bytes(10, 1));
            (await s.DeleteAsync(Blobs.Key("a"), null, Cancel)).Status.ShouldBe(StoreStatus.Ok);
            (await s.TryGetAsync(Blobs.Key("a"))).ShouldBeNull();
        }
        await using var again = await Open(Fs());
        (await again.TryGetAsync(Blobs.Key("a"))).ShouldBeNull();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task T04_copy_in_an_older_segment_is_deleted_and_the_original_comes_back(bool snapshot)
    {
        var fs = Fs(); await using var s = await Open(fs);
        var (segments, log) = s.Internals;
        // Main becomes active with a low id.
        await s.PutAsync(Blobs.Key("x"), Blobs.Bytes(1000, 1)); await s.GetAsync(Blobs.Key("x"));
        await log.SealAsync(SegmentClass.Probation);
        await s.EmptyAsync(segments.Find(1)!, keepAll: true);
        // A younger probation segment.
        await s.PutAsync(Blobs.Key("k"), Blobs.Bytes(1000, 2)); await s.GetAsync(Blobs.Key("k"));
        for (var i = 0; i < 9; i++) await s.PutAsync(Blobs.Key("f" + i), Blobs.Bytes(1000, i));
        await log.SealAsync(SegmentClass.Probation);
        var from = segments.List()[^1];
        string? crashed = null;
        fs.OnDelete = p => { if (p.EndsWith(".seg")) { (s.DeleteAsync(Blobs.Key("k"), null, default).AsTask().Result).Status.ShouldBe(StoreStatus.Ok); crashed = CrashCopy(snapshot); throw new IOException("crash"); } };
        await s.EmptyAsync(from, keepAll: false);
        fs.OnDelete = null;
        crashed.ShouldNotBeNull();
        await using var again = await Open(new HookedFiles(new DiskFileSystem(crashed)), root: crashed);
        (await again.TryGetAsync(Blobs.Key("k"))).ShouldBeNull("the acknowledged DELETE is undone");
    }

    [Fact]
    public async Task T05_delete_of_what_is_in_a_segment_that_is_just_being_removed()
    {
        var fs = Fs(); await using var s = await Open(fs);
        var (segments, log) = s.Internals;
        await s.PutAsync(Blobs.Key("k"), Blobs.Bytes(1000, 2));
        await log.SealAsync(SegmentClass.Probation);
        string? crashed = null; StoreStatus? said = null;
        fs.OnDelete = p => { if (p.EndsWith(".seg")) { said = s.DeleteAsync(Blobs.Key("k"), null, default).AsTask().Result.Status; crashed = CrashCopy(); } };
        await s.EmptyAsync(segments.Find(1)!, keepAll: false);
        await using var again = await Open(new HookedFiles(new DiskFileSystem(crashed.ShouldNotBeNull())), root: crashed);
        (await again.TryGetAsync(Blobs.Key("k"))).ShouldBeNull("DELETE said " + said);
    }

    [Fact]
    public async Task T06_crafted_content_in_a_damaged_record_keeps_the_store_from_opening()
    {
        var digest = RecordedStore.DigestOf([]);
        var meta = new BlobMetadata { Key = Blobs.Key("evil"), Length = long.MaxValue - 10, PayloadLength = long.MaxValue - 10, Sha256 = digest, PayloadSha256 = digest, Created = DateTimeOffset.UnixEpoch, Generation = 1, ContentType = "", Writer = "", Tags = [], StoredHeaders = [], FarValidator = "", UnknownFields = [] };
        var header = new byte[BlobHeader.Measure(meta)];
        BlobHeader.Write(header, meta, 1 << 30);
        var rec = new byte[RecordFormat.LengthFor(header.Length + 200)];
        RecordFormat.Write(rec, RecordKind.Blob, rec.Length, new KeyHash(7, 7), 1);
        header.CopyTo(rec, RecordFormat.HeaderLength);
        var content = new byte[4096];
        await using (var s = await Open(Fs()))
        {
            // The client knows its own header's length only mod 8; eight shifts cover it.
            for (var shift = 0; shift < 8; shift++) { Array.Clear(content); rec.CopyTo(content, 512 + shift); await s.PutAsync(Blobs.Key("e" + shift), content); }
        }
        File.Delete(L.Snapshot);
        var seg = Directory.GetFiles(L.Segments).Single(); var bytes = File.ReadAllBytes(seg);
        // Each record torn: the last byte of its content.
        for (var i = 48; i < bytes.Length; i += 8) if (RecordFormat.TryRead(bytes.AsSpan(i), out var h) && h.Hash != new KeyHash(7, 7)) bytes[i + h.Length - 64] ^= 1;
        File.WriteAllBytes(seg, bytes);
        await using var again = await Open(Fs());
    }

    [Fact]
    public async Task T07_space_drifts_by_the_segment_header()
    {
        await using var s = await Open(Fs()); var (segments, log) = s.Internals;
        for (var i = 0; i < 20; i++) { await s.PutAsync(Blobs.Key("k"), Blobs.Bytes(100, i), R); await log.SealAsync(SegmentClass.Probation); await log.SealAsync(SegmentClass.Main); foreach (var g in segments.List()) await s.EmptyAsync(g, keepAll: false); }
        var real = Directory.GetFiles(L.Segments).Sum(f => new FileInfo(f).Length);
        s.State.UsedBytes.ShouldBe(real);
    }

    [Fact]
    public async Task T08_orphan_of_a_crash_is_swept()
    {
        await using (var s = await Open(Fs())) await s.PutAsync(Blobs.Key("a"), Blobs.Bytes(10));
        var orphan = L.BlobPath(new KeyHash(5, 6), (TimeProvider.System.GetUtcNow() - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond);
        File.WriteAllBytes(orphan, new byte[100_000]);
        await using var again = await Open(Fs());
        await Eventually.TrueAsync(() => !File.Exists(orphan), TimeSpan.FromSeconds(10), "the file that no record stands for is removed");
    }

    [Fact]
    public async Task T09_damaged_large_blob_heals()
    {
        var c = Blobs.Bytes(3 << 20);
        await using (var s = await Open(Fs())) await s.PutAsync(Blobs.Key("a"), c);
        var f = BlobFiles().Single(); var b = File.ReadAllBytes(f); b[2 << 20] ^= 1; File.WriteAllBytes(f, b);
        await using var again = await Open(Fs());
        try { await again.GetAsync(Blobs.Key("a")); } catch (BlobDamagedException) { }
        var put = await again.PutAsync(Blobs.Key("a"), c);
        (await again.GetAsync(Blobs.Key("a"))).Content.ShouldBe(c, "after PUT said " + put.Value?.Effect);
    }

    [Fact]
    public async Task T10_large_blobs_are_not_all_evicted_at_once()
    {
        await using var s = await Open(Fs(), 64 << 20);
        var max = 0L; var min = long.MaxValue;
        for (var i = 0; i < 900; i++)
        {
            await s.PutAsync(Blobs.Key("k" + i), Blobs.Bytes(100_000, i));
            max = Math.Max(max, s.State.Blobs); if (i > 560) min = Math.Min(min, s.State.Blobs);
        }
        min.ShouldBeGreaterThan(max / 2, $"max {max} min {min}");
    }

    [Fact]
    public async Task T11_a_bit_in_a_segment_header_costs_no_segment()
    {
        await using (var s = await Open(Fs())) for (var i = 0; i < 50; i++) await s.PutAsync(Blobs.Key("k" + i), Blobs.Bytes(100, i));
        var seg = Directory.GetFiles(L.Segments).Single(); var bytes = File.ReadAllBytes(seg); bytes[40] ^= 1; File.WriteAllBytes(seg, bytes);
        await using var again = await Open(Fs());
        File.Exists(seg).ShouldBeTrue("50 whole records were unlinked");
        again.State.Blobs.ShouldBe(50);
    }

    [Fact]
    public async Task T12_failed_syncs_leave_no_segments_behind()
    {
        var fs = Fs(); await using var s = await Open(fs);
        await s.PutAsync(Blobs.Key("a"), Blobs.Bytes(10));
        fs.OnSync = p => { if (p.EndsWith(".seg") && new FileInfo(p).Length > 48) throw new IOException("EIO"); };
        for (var i = 0; i < 100; i++) await s.PutAsync(Blobs.Key("k" + i), Blobs.Bytes(8000, i));
        fs.OnSync = null;
        await s.PutAsync(Blobs.Key("b"), Blobs.Bytes(10));
        var real = Directory.GetFiles(L.Segments).Sum(f => new FileInfo(f).Length);
        var n = s.Internals.Segments.Count;
        n.ShouldBeLessThan(5, $"{n} open segments, {real} bytes on disk, {s.State.UsedBytes} accounted");
    }

    [Fact]
    public async Task T13_a_folder_that_cannot_be_listed_does_not_break_dispose()
    {
        var fs = Fs(); fs.OnList = f => { if (f.Contains("/blobs/80")) throw new IOException("EIO"); };
        var s = await Open(fs); await s.PutAsync(Blobs.Key("a"), Blobs.Bytes(10));
        await s.DisposeAsync();
        File.Exists(L.Snapshot).ShouldBeTrue();
    }

    [Fact]
    public async Task T14_retried_delete_says_missing_only_when_durable()
    {
        var fs = Fs(); await using var s = await Open(fs);
        await s.PutAsync(Blobs.Key("a"), Blobs.Bytes(10));
        var good = 0; var fail = true; fs.OnSync = p => { if (fail) { throw new IOException("EIO"); } good++; };
        (await s.DeleteAsync(Blobs.Key("a"), null, Cancel)).Status.ShouldBe(StoreStatus.Unavailable);
        fail = false;
        var second = (await s.DeleteAsync(Blobs.Key("a"), null, Cancel)).Status;
        good.ShouldBeGreaterThan(0, "no sync of the mark; the second DELETE said " + second);
    }
}
