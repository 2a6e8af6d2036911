using System.Security.Cryptography;
using EdgeCache.Codecs;
using EdgeCache.Codecs.Choosing;
using EdgeCache.Codecs.Frames;
using EdgeCache.Codecs.Zstd;
using EdgeCache.TestKit;

namespace EdgeCache.Storage.Local.Tests;

public sealed class CompressionTests : LocalStoreTest
{
    private const int Frame = SeekTable.FrameContentLength;
    private static readonly BlobKey Key = Blobs.Key("k");
    private static readonly ZstdCodec Zstd = new();
    private static readonly ZstdCodec Missing = new(new CodecLimits(), ["libnosuch.so.9"]);

    public static TheoryData<int> Lengths => [300, 3000, 60_000, 400_000, Frame - 1, Frame, Frame + 1, (3 * Frame) + 777];

    private LocalStoreOptions Compressing => Options with { Compression = static _ => new CompressionPolicy { MinLength = 64 }, CpuPressure = new Idle() };

    [Theory]
    [MemberData(nameof(Lengths))]
    public async Task Content_that_shrinks_takes_less_disk_and_every_range_of_it_comes_back(int length)
    {
        var content = Contents.Text(length, seed: length);
        await using (var store = await OpenAsync(Compressing))
        {
            var receipt = (await store.PutAsync(Key, content)).Value.ShouldNotBeNull();
            Describe(receipt.Metadata).ShouldBe(("zstd", (long)length, Digest(content)));
            receipt.Metadata.PayloadLength.ShouldBeLessThan(length);
            await ShouldHaveAsync(store, content);
        }
        File.Delete(Snapshot);
        await using var again = await OpenAsync(Options);
        await ShouldHaveAsync(again, content);
        (await again.ScrubAsync(long.MaxValue, null, Cancel)).Damaged.ShouldBe(0);
        await ShouldHaveAsync(again, content);
    }

    [Theory]
    [MemberData(nameof(Lengths))]
    public async Task Noise_is_stored_as_it_is_and_what_shrinks_only_at_the_start_is_still_right(int length)
    {
        await using var store = await OpenAsync(Compressing);
        var noise = Blobs.Bytes(length);
        (await store.PutAsync(Key, noise)).Value.ShouldNotBeNull().Metadata.Coding.ShouldBe("");
        await ShouldHaveAsync(store, noise);
        byte[] mixed = [.. Contents.Text(Frame), .. noise];
        (await store.PutAsync(Key, mixed, new PutOptions { Replace = true })).Value.ShouldNotBeNull().Metadata.Coding.ShouldBe("zstd");
        await ShouldHaveAsync(store, mixed);
    }

    [Theory]
    [MemberData(nameof(Lengths))]
    public async Task The_payload_can_be_had_as_it_is_and_is_one_valid_stream(int length)
    {
        var content = Contents.Text(length, seed: length);
        await using (var store = await OpenAsync(Compressing))
            await store.PutAsync(Key, content);
        await using var reopened = await OpenAsync(Compressing);
        for (var round = 0; round < 4; round++)
        {
            var (payload, metadata) = await ReadPayloadAsync(reopened, step: round == 0 ? 10_000 : 3_000_000);
            Digest(payload).ShouldBe(metadata.PayloadSha256);
            var back = new byte[length];
            Zstd.Decompress(payload, back).ShouldBe(new CodecResult(CodecStatus.Ok, length));
            back.AsSpan().SequenceEqual(content).ShouldBeTrue();
        }
    }

    [Fact]
    public async Task What_is_written_can_be_read_back_wherever_it_is_by_then()
    {
        var content = Contents.Mixed((3 * Frame) + 5000, seed: 8);
        Contents.Text(Frame).CopyTo(content, 0);
        await using var store = await OpenAsync(Compressing);
        await using var writer = (IStagedBlobWriter)(await store.OpenWriteAsync(Key, new PutOptions(), Cancel)).Value.ShouldNotBeNull();
        var random = new Random(3);
        for (var at = 0; at < content.Length;)
        {
            var piece = content.AsMemory(at, Math.Min(content.Length - at, 1 + random.Next(200_000)));
            (await writer.WriteAsync(piece, Cancel)).ShouldBe(StoreStatus.Ok);
            at += piece.Length;
            for (var i = 0; i < 5; i++)
                await ShouldReadBackAsync(writer, content, at, random.Next(at), random);
            (await writer.ReadAsync(at, new byte[10], Cancel)).ShouldBe(0);
        }
        writer.EndContent().Value.ShouldNotBeNull().Coding.ShouldBe("zstd");
        for (var i = 0; i < 20; i++)
            await ShouldReadBackAsync(writer, content, content.Length, random.Next(content.Length), random);
        await ShouldReadBackAsync(writer, content, content.Length, content.Length - 1, random);
        (await writer.CommitAsync(Cancel)).Status.ShouldBe(StoreStatus.Ok);
        await ShouldReadBackAsync(writer, content, content.Length, Frame + 5, random);
        await ShouldHaveAsync(store, content);
    }

    [Fact]
    public async Task Frames_that_came_are_stored_as_they_came()
    {
        var content = Contents.Text((2 * Frame) + 333);
        await using var store = await OpenAsync(Compressing);
        var frames = await PutFramesAsync(store, content, Frame);
        var (payload, metadata) = await ReadPayloadAsync(store, 3_000_000);
        metadata.Coding.ShouldBe("zstd");
        payload.AsSpan(0, frames.Length).SequenceEqual(frames).ShouldBeTrue();
        await ShouldHaveAsync(store, content);
        store.State.Compression.ShouldBe([new(CompressionMethod.Zstd, CompressionReason.AsReceived, 1, content.Length, metadata.PayloadLength)]);
    }

    [Theory]
    [InlineData(300_000)]
    [InlineData(Frame - 1)]
    public async Task Frames_that_begin_where_none_of_ours_would_are_made_anew(int step)
    {
        var content = Contents.Text((2 * Frame) + 333);
        await using var store = await OpenAsync(Compressing);
        await PutFramesAsync(store, content, step);
        await ShouldHaveAsync(store, content);
        (await ReadPayloadAsync(store, 3_000_000)).Metadata.Coding.ShouldBe("zstd");
    }

    [Fact]
    public async Task Frames_that_gained_nothing_are_not_stored()
    {
        var noise = Blobs.Bytes(Frame + 100);
        await using var store = await OpenAsync(Compressing);
        await PutFramesAsync(store, noise, Frame);
        (await store.GetAsync(Key)).Metadata.Coding.ShouldBe("");
        await ShouldHaveAsync(store, noise);
    }

    [Theory]
    [InlineData(3000)]
    [InlineData((2 * Frame) + 9)]
    public async Task Without_the_library_a_compressed_blob_is_missing_and_stays_where_it_is(int length)
    {
        var content = Contents.Text(length);
        await using (var store = await OpenAsync(Compressing))
            await store.PutAsync(Key, content);
        File.Delete(Snapshot);
        await using (var without = await OpenAsync(Compressing with { Zstd = Missing }))
        {
            (await without.TryGetAsync(Key)).ShouldBeNull();
            (await without.StatAsync(Key, Cancel)).Status.ShouldBe(StoreStatus.Missing);
            (await without.ScrubAsync(long.MaxValue, null, Cancel)).ShouldBe(new ScrubProgress(1, without.State.Namespaces.Single().Bytes, 0, 0));
            await without.Internals.Log.SealAllAsync();
            foreach (var segment in without.Internals.Segments.List().Where(s => s.IsSealed))
                await without.EmptyAsync(segment, keepAll: true);
            (await without.PutAsync(Blobs.Key("other"), content)).Value.ShouldNotBeNull().Metadata.Coding.ShouldBe("");
            without.State.Blobs.ShouldBe(2);
            Logger.Messages.Count(m => m.Contains("libnosuch.so.9", StringComparison.Ordinal)).ShouldBe(1);
        }
        await using var again = await OpenAsync(Compressing);
        (await again.GetAsync(Key)).Content.AsSpan().SequenceEqual(content).ShouldBeTrue();
    }

    [Fact]
    public async Task Without_the_library_a_key_can_be_written_again()
    {
        await using (var store = await OpenAsync(Compressing))
            await store.PutAsync(Key, Contents.Text(3000));
        await using var without = await OpenAsync(Compressing with { Zstd = Missing });
        (await without.PutAsync(Key, Contents.Text(3000, seed: 1))).Status.ShouldBe(StoreStatus.Ok);
        (await without.GetAsync(Key)).Content.ShouldBe(Contents.Text(3000, seed: 1));
    }

    [Fact]
    public async Task No_altered_byte_of_a_compressed_blob_ever_becomes_content()
    {
        var content = Contents.Text(Frame + 50_000);
        await using (var store = await OpenAsync(Compressing))
            await store.PutAsync(Key, content);
        var (path, original) = (BlobFile(), await File.ReadAllBytesAsync(BlobFile(), Cancel));
        var random = new Random(1);
        for (var i = 0; i < 60; i++)
        {
            var altered = original.ToArray();
            altered[i < 10 ? original.Length - 1 - (i * 7) : random.Next(original.Length)] ^= (byte)(1 << random.Next(8));
            await File.WriteAllBytesAsync(path, altered, Cancel);
            File.Delete(Snapshot);
            await using (var store = await OpenAsync(Options))
            {
                foreach (var asPayload in (bool[])[true, false])
                    await ShouldBeRightOrDamagedAsync(store, content, asPayload);
            }
            Directory.Delete(Root, recursive: true);
            await using (var store = await OpenAsync(Compressing))
                await store.PutAsync(Key, content);
            (path, original) = (BlobFile(), await File.ReadAllBytesAsync(BlobFile(), Cancel));
        }
    }

    [Fact]
    public async Task A_store_and_a_quota_hold_more_of_what_shrinks()
    {
        var options = Compressing with { MaxBytes = 8 << 20, Limits = _ => new NamespaceLimits { QuotaBytes = 1 << 20 } };
        await using var store = await OpenAsync(options);
        for (var i = 0; i < 12; i++)
            (await store.PutAsync(Blobs.Key($"{i}"), Contents.Text(200_000, seed: i))).Status.ShouldBe(StoreStatus.Ok);
        store.State.Blobs.ShouldBeGreaterThan(5, "of so long content as it is, five would fill the quota");
        store.State.Namespaces.Single().Bytes.ShouldBeLessThanOrEqualTo(1 << 20);
    }

    private static (string, long, Sha256Digest) Describe(BlobMetadata metadata) => (metadata.Coding, metadata.Length, metadata.Sha256);

    private static Sha256Digest Digest(byte[] content) => new(SHA256.HashData(content));

    private static async Task ShouldReadBackAsync(IStagedBlobWriter writer, byte[] content, int written, int offset, Random random)
    {
        var buffer = new byte[1 + random.Next(300_000)];
        var read = await writer.ReadAsync(offset, buffer, Cancel);
        read.ShouldBeInRange(1, Math.Min(buffer.Length, written - offset));
        buffer.AsSpan(0, read).SequenceEqual(content.AsSpan(offset, read)).ShouldBeTrue($"at {offset}");
    }

    /// <summary>Whole, in ranges, from disk and from memory.</summary>
    private static async Task ShouldHaveAsync(LocalStore store, byte[] content)
    {
        var random = new Random(content.Length);
        for (var round = 0; round < 3; round++)
        {
            (await store.GetAsync(Key)).Content.AsSpan().SequenceEqual(content).ShouldBeTrue();
            await using var reader = (await store.OpenReadAsync(Key, ByteRange.Whole, Cancel)).Value.ShouldNotBeNull();
            Describe(reader.Metadata).ShouldBe((reader.Metadata.Coding, content.Length, Digest(content)));
            for (var i = 0; i < 20; i++)
            {
                var start = random.Next(content.Length);
                var range = new byte[1 + random.Next(content.Length - start)];
                await reader.ReadFullyAsync(start, range);
                range.AsSpan().SequenceEqual(content.AsSpan(start, range.Length)).ShouldBeTrue($"{start} + {range.Length}");
            }
            (await reader.ReadAsync(content.Length, new byte[1], Cancel)).ShouldBe(0);
            if (reader.TryGetMemory(out var memory))
                memory.Span.SequenceEqual(content).ShouldBeTrue();
        }
    }

    private static async Task<(byte[] Payload, BlobMetadata Metadata)> ReadPayloadAsync(LocalStore store, int step)
    {
        await using var reader = (await store.OpenReadAsync(Key, ByteRange.Whole, Cancel)).Value.ShouldNotBeNull();
        reader.HasPayload.ShouldBeTrue();
        var payload = new byte[reader.Metadata.PayloadLength];
        for (var at = 0; at < payload.Length;)
            at += (await reader.ReadPayloadAsync(at, payload.AsMemory(at, Math.Min(step, payload.Length - at)), Cancel)).ShouldBeGreaterThanZero();
        (await reader.ReadPayloadAsync(payload.Length, new byte[1], Cancel)).ShouldBe(0);
        if (reader.TryGetPayloadMemory(out var memory))
            memory.Span.SequenceEqual(payload).ShouldBeTrue();
        return (payload, reader.Metadata);
    }

    private static async Task<byte[]> PutFramesAsync(LocalStore store, byte[] content, int step)
    {
        await using var writer = (await store.OpenWriteAsync(Key, new PutOptions { ExpectedSha256 = Digest(content) }, Cancel)).Value.ShouldNotBeNull();
        var all = new MemoryStream();
        for (var at = 0; at < content.Length; at += step)
        {
            var piece = content.AsMemory(at, Math.Min(step, content.Length - at));
            var frame = new byte[FrameCompressor.Measure(Zstd, piece.Length)];
            frame = frame[..FrameCompressor.Compress(Zstd, piece.Span, frame, level: 2, out _)];
            all.Write(frame);
            (await writer.WriteFrameAsync(piece, frame, Cancel)).ShouldBe(StoreStatus.Ok);
        }
        (await writer.CommitAsync(Cancel)).Status.ShouldBe(StoreStatus.Ok);
        return all.ToArray();
    }

    private static async Task ShouldBeRightOrDamagedAsync(LocalStore store, byte[] content, bool asPayload)
    {
        var opened = await store.OpenReadAsync(Key, ByteRange.Whole, Cancel);
        if (!opened.IsOk)
            return;
        await using var reader = opened.Value;
        try
        {
            var got = new byte[asPayload ? reader.Metadata.PayloadLength : content.Length];
            for (var at = 0; at < got.Length;)
                at += asPayload ? await reader.ReadPayloadAsync(at, got.AsMemory(at), Cancel) : await reader.ReadAsync(at, got.AsMemory(at), Cancel);
            if (asPayload)
                Digest(got).ShouldBe(reader.Metadata.PayloadSha256);
            else
                got.AsSpan().SequenceEqual(content).ShouldBeTrue();
        }
        catch (BlobDamagedException)
        {
            (await store.TryGetAsync(Key)).ShouldBeNull("what is damaged is missing from then on");
        }
    }
}

internal static class Numbers
{
    public static int ShouldBeGreaterThanZero(this int number)
    {
        number.ShouldBeGreaterThan(0);
        return number;
    }
}
