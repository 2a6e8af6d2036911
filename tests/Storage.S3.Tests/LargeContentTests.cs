using System.Security.Cryptography;
using Amazon.S3.Model;
using EdgeCache.TestKit;

namespace EdgeCache.Storage.S3.Tests;

public sealed class LargeContentTests(S3Fixture fixture) : S3StoreTest(fixture)
{
    private const int Part = S3StoreOptions.MinPartSize;

    public static TheoryData<int, bool> Lengths => new MatrixTheoryData<int, bool>([Part - 1, Part, Part + 1, 2 * Part, (2 * Part) + 1], [false, true]);

    [Theory]
    [MemberData(nameof(Lengths))]
    public async Task Content_around_the_length_of_a_part_comes_back_with_its_digest(int length, bool announced)
    {
        var store = await OpenAsync();
        var key = Blobs.Key("large");
        var content = Blobs.Bytes(length);
        var digest = new Sha256Digest(SHA256.HashData(content));
        var options = new PutOptions { Writer = "ci", ExpectedSha256 = announced ? digest : null, ExpectedLength = announced ? length : null };

        var receipt = (await store.PutAsync(key, content, options)).Value.ShouldNotBeNull();

        receipt.Effect.ShouldBe(PutEffect.Created);
        receipt.Stored.ShouldBe(StoredWhere.Far);
        var (read, metadata) = await store.GetAsync(key);
        read.AsSpan().SequenceEqual(content).ShouldBeTrue();
        (metadata.Sha256, metadata.Writer, metadata.Length).ShouldBe((digest, "ci", length));
        metadata.Generation.ShouldBe(receipt.Metadata.Generation);
        metadata.FarValidator.ShouldBe(receipt.Metadata.FarValidator);
        (await store.PutAsync(key, content, options)).Value.ShouldNotBeNull().Effect.ShouldBe(PutEffect.Unchanged);
        store.FreeBuffers.ShouldBe(6);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_blob_whose_parts_went_out_as_they_came_has_checksums_of_its_blocks_beside_it(bool announced)
    {
        var store = await OpenAsync();
        var key = Blobs.Key("streamed");
        var content = Blobs.Bytes((2 * Part) + 100, seed: 7);
        var options = announced ? new PutOptions { ExpectedSha256 = new Sha256Digest(SHA256.HashData(content)), ExpectedLength = content.Length } : new PutOptions();

        var receipt = (await store.PutAsync(key, content, options)).Value.ShouldNotBeNull();

        var stored = (await store.StatAsync(key, Cancel)).Value.ShouldNotBeNull();
        stored.Checksums.ShouldNotBeNull().ToString().ShouldBe(ChecksumsOf(content));
        stored.Generation.ShouldBe(receipt.Metadata.Generation);
        stored.FarValidator.ShouldBe(receipt.Metadata.FarValidator);
        (await store.GetAsync(key)).Content.AsSpan().SequenceEqual(content).ShouldBeTrue();
    }

    [Fact]
    public async Task A_large_blob_that_is_replaced_by_one_whose_upload_began_earlier_has_the_larger_generation()
    {
        var store = await OpenAsync();
        var key = Blobs.Key("slow");
        var content = Blobs.Bytes(Part + 100, seed: 3);
        await using var slow = (await store.OpenWriteAsync(key, new PutOptions { Replace = true, ExpectedSha256 = new Sha256Digest(SHA256.HashData(content)) }, Cancel)).Value.ShouldNotBeNull();
        (await slow.WriteAsync(content, Cancel)).ShouldBe(StoreStatus.Ok);
        var quick = (await store.PutAsync(key, Blobs.Bytes(10), new PutOptions { Replace = true })).Value.ShouldNotBeNull();

        var receipt = (await slow.CommitAsync(Cancel)).Value.ShouldNotBeNull();

        receipt.Effect.ShouldBe(PutEffect.Replaced);
        receipt.Metadata.Generation.ShouldBeGreaterThan(quick.Metadata.Generation);
        (await store.StatAsync(key, Cancel)).Value.ShouldNotBeNull().Generation.ShouldBe(receipt.Metadata.Generation);
    }

    [Theory]
    [InlineData("disposed")]
    [InlineData("wrong digest")]
    [InlineData("too long")]
    [InlineData("other blob there")]
    public async Task An_upload_that_comes_to_nothing_leaves_no_parts_and_holds_no_memory(string how)
    {
        var store = await OpenAsync();
        var key = Blobs.Key("given-up");
        var content = Blobs.Bytes((2 * Part) + 5);
        if (how == "other blob there")
            await store.PutAsync(key, "first"u8.ToArray());
        var options = new PutOptions
        {
            ExpectedSha256 = how == "wrong digest" ? new Sha256Digest(SHA256.HashData("other"u8)) : null,
            MaxLength = how == "too long" ? content.Length - 1 : long.MaxValue,
        };

        await using (var writer = (await store.OpenWriteAsync(key, options, Cancel)).Value.ShouldNotBeNull())
        {
            (await writer.WriteAsync(content.AsMemory(0, content.Length - 3), Cancel)).ShouldBe(StoreStatus.Ok);
            (await UploadsAsync()).ShouldHaveSingleItem();
            var last = await writer.WriteAsync(content.AsMemory(content.Length - 3), Cancel);
            last.ShouldBe(how == "too long" ? StoreStatus.TooLarge : StoreStatus.Ok);
            if (how is "wrong digest" or "other blob there")
                (await writer.CommitAsync(Cancel)).Status.ShouldBe(how == "wrong digest" ? StoreStatus.DigestMismatch : StoreStatus.Exists);
        }

        (await UploadsAsync()).ShouldBeEmpty();
        store.FreeBuffers.ShouldBe(6);
        if (how == "other blob there")
            (await store.GetAsync(key)).Content.ShouldBe("first"u8.ToArray());
        else
            (await store.StatAsync(key, Cancel)).Status.ShouldBe(StoreStatus.Missing);
    }

    [Fact]
    public async Task A_write_that_finds_no_buffer_in_time_is_refused_and_the_next_finds_one()
    {
        var store = await OpenAsync(o => o with { MaxPartBuffers = 2, Timeout = TimeSpan.FromSeconds(1) });
        var content = Blobs.Bytes(Part);
        var holders = new List<IBlobWriter>();
        for (var i = 0; i < 2; i++)
        {
            holders.Add((await store.OpenWriteAsync(Blobs.Key($"holder{i}"), new PutOptions(), Cancel)).Value.ShouldNotBeNull());
            (await holders[i].WriteAsync(content, Cancel)).ShouldBe(StoreStatus.Ok);
        }

        (await store.PutAsync(Blobs.Key("late"), content)).Status.ShouldBe(StoreStatus.Unavailable);
        (await store.PutAsync(Blobs.Key("small"), Blobs.Bytes(100_000))).Status.ShouldBe(StoreStatus.Ok);
        foreach (var holder in holders)
            await holder.DisposeAsync();
        (await store.PutAsync(Blobs.Key("late"), content)).Status.ShouldBe(StoreStatus.Ok);
    }

    [Fact]
    public async Task Uploads_whose_clients_are_slow_leave_memory_for_one_whose_client_is_quick()
    {
        var store = await OpenAsync(o => o with { Timeout = TimeSpan.FromSeconds(10) });
        var slow = new List<IBlobWriter>();
        for (var i = 0; i < 9; i++)
        {
            slow.Add((await store.OpenWriteAsync(Blobs.Key($"slow{i}"), new PutOptions(), Cancel)).Value.ShouldNotBeNull());
            (await slow[i].WriteAsync(Blobs.Bytes(600_000, seed: i), Cancel)).ShouldBe(StoreStatus.Ok);
        }

        var quick = Blobs.Bytes((4 * Part) + 17, seed: 100);
        (await store.PutAsync(Blobs.Key("quick"), quick)).Status.ShouldBe(StoreStatus.Ok);

        (await store.GetAsync(Blobs.Key("quick"))).Content.AsSpan().SequenceEqual(quick).ShouldBeTrue();
        for (var i = 0; i < slow.Count; i++)
        {
            (await slow[i].CommitAsync(Cancel)).Status.ShouldBe(StoreStatus.Ok);
            await slow[i].DisposeAsync();
            (await store.GetAsync(Blobs.Key($"slow{i}"))).Content.AsSpan().SequenceEqual(Blobs.Bytes(600_000, seed: i)).ShouldBeTrue();
        }
        store.FreeBuffers.ShouldBe(6);
    }

    [Fact]
    public async Task Twenty_large_uploads_in_step_with_each_other_all_end_with_the_memory_of_two_parts()
    {
        var store = await OpenAsync(o => o with { MaxPartBuffers = 2 });
        var content = Blobs.Bytes(Part + 300_000);
        var writers = await Task.WhenAll(Enumerable.Range(0, 20).Select(async i => (await store.OpenWriteAsync(Blobs.Key($"step{i}"), new PutOptions(), Cancel)).Value.ShouldNotBeNull()));
        await Task.WhenAll(writers.Select(async writer =>
        {
            for (var offset = 0; offset < content.Length; offset += 100_000)
            {
                (await writer.WriteAsync(content.AsMemory(offset, Math.Min(100_000, content.Length - offset)), Cancel)).ShouldBe(StoreStatus.Ok);
                await Task.Yield();
            }
            (await writer.CommitAsync(Cancel)).Status.ShouldBe(StoreStatus.Ok);
            await writer.DisposeAsync();
        }));
        store.FreeBuffers.ShouldBe(2);
        for (var i = 0; i < writers.Length; i++)
            (await store.GetAsync(Blobs.Key($"step{i}"))).Content.AsSpan().SequenceEqual(content).ShouldBeTrue();
    }

    [Fact]
    public async Task A_write_whose_wait_was_ended_never_becomes_a_blob()
    {
        var store = await OpenAsync();
        await using var writer = (await store.OpenWriteAsync(Blobs.Key("ended"), new PutOptions(), Cancel)).Value.ShouldNotBeNull();
        (await writer.WriteAsync(Blobs.Bytes(Part), Cancel)).ShouldBe(StoreStatus.Ok);
        await Should.ThrowAsync<OperationCanceledException>(async () => await writer.WriteAsync(Blobs.Bytes(1), new CancellationToken(canceled: true)));

        (await writer.CommitAsync(Cancel)).Status.ShouldBe(StoreStatus.Unavailable);
        (await store.StatAsync(Blobs.Key("ended"), Cancel)).Status.ShouldBe(StoreStatus.Missing);
    }

    private static string ChecksumsOf(byte[] content)
    {
        var builder = new BlockChecksumBuilder();
        builder.Append(content);
        return builder.End()!.ToString();
    }

    private async Task<List<MultipartUpload>> UploadsAsync()
    {
        using var client = await Fixture.NewClientAsync();
        var answer = await client.ListMultipartUploadsAsync(new ListMultipartUploadsRequest { BucketName = Fixture.Bucket, Prefix = Prefix }, Cancel);
        return answer.MultipartUploads ?? [];
    }
}
