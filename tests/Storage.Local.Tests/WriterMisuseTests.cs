using EdgeCache.Storage.Local.Tests.Format;
using EdgeCache.TestKit;

namespace EdgeCache.Storage.Local.Tests;

public sealed class WriterMisuseTests : LocalStoreTest
{
    private static readonly BlobKey Key = Blobs.Key("k");

    [Theory]
    [InlineData(10)]
    [InlineData(500_000)]
    public async Task A_writer_that_is_disposed_without_a_commit_leaves_no_file(int length)
    {
        await using var store = await OpenAsync();
        await using (var writer = await WriterAsync(store))
        {
            await writer.WriteAsync(Blobs.Bytes(length), Cancel);
            Directory.GetFiles(TemporaryFolder).Length.ShouldBe(length > 200_000 ? 1 : 0);
        }
        Directory.GetFiles(TemporaryFolder).ShouldBeEmpty();
        BlobFiles().ShouldBeEmpty();
    }

    [Theory]
    [InlineData(10)]
    [InlineData(500_000)]
    public async Task A_commit_that_was_cancelled_publishes_nothing_and_can_be_repeated(int length)
    {
        await using var store = await OpenAsync();
        await using var writer = await WriterAsync(store);
        await writer.WriteAsync(Blobs.Bytes(length), Cancel);
        await Should.ThrowAsync<OperationCanceledException>(async () => await writer.CommitAsync(new CancellationToken(canceled: true)));
        (await store.StatAsync(Key, Cancel)).Status.ShouldBe(StoreStatus.Missing);

        (await writer.CommitAsync(Cancel)).Status.ShouldBe(StoreStatus.Ok);

        var (content, metadata) = await store.GetAsync(Key);
        content.AsSpan().SequenceEqual(Blobs.Bytes(length)).ShouldBeTrue();
        metadata.Sha256.ShouldBe(new Sha256Digest(System.Security.Cryptography.SHA256.HashData(content)));
        var image = length > 65_536 ? await File.ReadAllBytesAsync(BlobFile(), Cancel) : FileReading.LastRecordBody(SegmentFile());
        FileReading.Checksums(image, length).ShouldBe(FileReading.ExpectedChecksums(content));
    }

    [Fact]
    public async Task Content_of_which_a_part_was_refused_is_never_published()
    {
        await using var store = await OpenAsync();
        await using var writer = await WriterAsync(store, new PutOptions { MaxLength = 100 });
        (await writer.WriteAsync(Blobs.Bytes(60), Cancel)).ShouldBe(StoreStatus.Ok);
        (await writer.WriteAsync(Blobs.Bytes(60), Cancel)).ShouldBe(StoreStatus.TooLarge);
        (await writer.WriteAsync(Blobs.Bytes(1), Cancel)).ShouldBe(StoreStatus.TooLarge);
        (await writer.CommitAsync(Cancel)).Status.ShouldBe(StoreStatus.TooLarge);
        (await store.StatAsync(Key, Cancel)).Status.ShouldBe(StoreStatus.Missing);
    }

    [Theory]
    [InlineData(10)]
    [InlineData(500_000)]
    public async Task A_published_blob_can_not_be_changed_by_its_writer(int length)
    {
        await using var store = await OpenAsync();
        await using (var writer = await WriterAsync(store))
        {
            await writer.WriteAsync(Blobs.Bytes(length), Cancel);
            (await writer.CommitAsync(Cancel)).Status.ShouldBe(StoreStatus.Ok);
            await Should.ThrowAsync<InvalidOperationException>(async () => await writer.WriteAsync(Blobs.Bytes(500_000), Cancel));
            await Should.ThrowAsync<InvalidOperationException>(async () => await writer.CommitAsync(Cancel));
        }
        (await store.GetAsync(Key)).Content.AsSpan().SequenceEqual(Blobs.Bytes(length)).ShouldBeTrue();
    }

    [Fact]
    public async Task A_refused_commit_is_the_end_of_its_content()
    {
        await using var store = await OpenAsync();
        await store.PutAsync(Key, "first"u8.ToArray());
        await using var writer = await WriterAsync(store);
        await writer.WriteAsync("second"u8.ToArray(), Cancel);
        (await writer.CommitAsync(Cancel)).Status.ShouldBe(StoreStatus.Exists);
        await store.DeleteAsync(Key, null, Cancel);
        await Should.ThrowAsync<InvalidOperationException>(async () => await writer.CommitAsync(Cancel));
        (await store.StatAsync(Key, Cancel)).Status.ShouldBe(StoreStatus.Missing);
    }

    public static TheoryData<string, PutOptions> Unstorable => new()
    {
        { "a field that ends the list", new() { UnknownFields = [new(0, new byte[1])] } },
        { "a second key", new() { UnknownFields = [new(3, "other"u8.ToArray())] } },
        { "a field that no reader may skip", new() { UnknownFields = [new(0x8001, new byte[1])] } },
        { "a trailer's field", new() { UnknownFields = [new(32, new byte[1])] } },
        { "more unknown bytes than a reader takes", new() { UnknownFields = [new(900, new byte[70_000])] } },
        { "more tags than a reader takes", new() { Tags = [.. Enumerable.Repeat("", 20_000)] } },
        { "a header that is longer than all may be", new() { StoredHeaders = [new("x", new string('y', BlobMetadata.MaxStoredHeadersLength + 1))] } },
        { "tags that are longer than all may be", new() { Tags = [new string('y', BlobMetadata.MaxTagsLength + 1)] } },
        { "a header without a name", new() { StoredHeaders = [new("", "y")] } },
        { "a content type that is too long", new() { ContentType = new string('y', BlobMetadata.MaxContentTypeLength + 1) } },
    };

    [Theory]
    [MemberData(nameof(Unstorable))]
    public async Task Metadata_that_could_not_be_read_back_is_an_error_before_anything_is_written(string what, PutOptions options)
    {
        await using var store = await OpenAsync();
        (await Should.ThrowAsync<ArgumentException>(async () => await store.OpenWriteAsync(Key, options, Cancel))).Message.ShouldNotBeEmpty(what);
    }

    [Fact]
    public async Task Metadata_at_its_limits_is_read_back()
    {
        await using var store = await OpenAsync();
        var options = new PutOptions
        {
            ContentType = new string('t', BlobMetadata.MaxContentTypeLength),
            Tags = [.. Enumerable.Range(0, BlobMetadata.MaxTagsLength / 8).Select(i => $"{i:00000000}")],
            StoredHeaders = [.. Enumerable.Range(0, BlobMetadata.MaxStoredHeadersLength / 16).Select(i => KeyValuePair.Create($"{i:00000000}", "abcdefgh"))],
        };
        (await store.PutAsync(Key, Blobs.Bytes(200_000), options)).Status.ShouldBe(StoreStatus.Ok);
        var (content, metadata) = await store.GetAsync(Key);
        content.AsSpan().SequenceEqual(Blobs.Bytes(200_000)).ShouldBeTrue();
        metadata.ContentType.ShouldBe(options.ContentType);
        metadata.Tags.SequenceEqual(options.Tags, StringComparer.Ordinal).ShouldBeTrue();
        metadata.StoredHeaders.SequenceEqual(options.StoredHeaders).ShouldBeTrue();
    }

    private static async Task<IBlobWriter> WriterAsync(LocalStore store, PutOptions? options = null) =>
        (await store.OpenWriteAsync(Key, options ?? new PutOptions(), Cancel)).Value.ShouldNotBeNull();
}
