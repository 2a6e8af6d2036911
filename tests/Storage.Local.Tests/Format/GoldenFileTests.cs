using System.Security.Cryptography;
using EdgeCache.TestKit;
using Microsoft.Extensions.Time.Testing;

namespace EdgeCache.Storage.Local.Tests.Format;

/// <summary>
/// The format is frozen: these files were made from its description (docs/disk-format.md) by another program, and must be read, and written, for ever.
/// A change that fails here needs a new version number, not new files.
/// </summary>
public sealed class GoldenFileTests : LocalStoreTest
{
    private const int LargeLength = (2 << 20) + 12_345;
    private static readonly DateTimeOffset Created = new(2026, 1, 1, 0, 0, 0, 123, TimeSpan.Zero);
    private static readonly BlobKey FullKey = BlobKey.Create("golden", "team-a", "sub/full.bin");
    private static readonly PutOptions Full = new()
    {
        ContentType = "text/plain; charset=utf-8",
        Writer = "ci-runner",
        Tags = ["release", "caf\u00e9"],
        StoredHeaders = [new("x-artifact-tag", "abc"), new("x-artifact-duration", "12")],
        FarValidator = "\"etag-1\"",
    };

    private static readonly PutOptions WithUnknown = new() { UnknownFields = [new(900, new byte[] { 1, 2, 3 }), new(0x7FFF, ReadOnlyMemory<byte>.Empty)] };

    public static TheoryData<string> Names => ["empty", "full", "large", "unknown-optional"];

    [Theory]
    [MemberData(nameof(Names))]
    public async Task The_writer_writes_the_same_bytes_today(string name)
    {
        var (key, options, content) = Describe(name);
        await using var store = await OpenAsync(time: new FakeTimeProvider(Created));

        (await store.PutAsync(key, content, options)).Status.ShouldBe(StoreStatus.Ok);

        var expected = Golden(name);
        var written = name == "large" ? await File.ReadAllBytesAsync(BlobFile(), Cancel) : FileReading.LastRecordBody(SegmentFile());
        written.AsSpan(0, expected.Length).SequenceEqual(expected).ShouldBeTrue();
        written[expected.Length..].ShouldAllBe(b => b == 0);
        written.Length.ShouldBeLessThan(expected.Length + (name == "large" ? 1 : 8));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public async Task The_reader_reads_them(string name)
    {
        var (key, options, content) = Describe(name);
        await PlaceAsync(name);
        await using var store = await OpenAsync();

        var (read, metadata) = await store.GetAsync(key);

        read.AsSpan().SequenceEqual(content).ShouldBeTrue();
        var digest = new Sha256Digest(SHA256.HashData(content));
        (metadata.Key, metadata.Length, metadata.PayloadLength, metadata.Sha256, metadata.PayloadSha256, metadata.Coding)
            .ShouldBe((key, content.Length, content.Length, digest, digest, ""));
        (metadata.ContentType, metadata.Writer, metadata.FarValidator).ShouldBe((options.ContentType, options.Writer, options.FarValidator));
        (metadata.Created, metadata.Generation).ShouldBe((Created, Created.ToUnixTimeMilliseconds() * 1000));
        metadata.Tags.ShouldBe(options.Tags);
        metadata.StoredHeaders.ShouldBe(options.StoredHeaders);
        metadata.UnknownFields.Select(f => (f.Type, Convert.ToHexString(f.Value.Span)))
            .ShouldBe(options.UnknownFields.Select(f => (f.Type, Convert.ToHexString(f.Value.Span))));
        (await store.StatAsync(key, Cancel)).Value.ShouldNotBeNull().Length.ShouldBe(content.Length);
    }

    [Theory]
    [InlineData("unknown-required")]
    [InlineData("version-2")]
    public async Task What_only_a_newer_version_understands_is_left_alone_and_counted(string name)
    {
        var path = await PlaceAsync(name);
        await using var store = await OpenAsync();

        store.State.Blobs.ShouldBe(0);
        (await store.StatAsync(BlobKey.Create("golden", "", name), Cancel)).Status.ShouldBe(StoreStatus.Missing);
        (await File.ReadAllBytesAsync(path, Cancel)).ShouldBe(Golden(name));
        Directory.GetFiles(QuarantineFolder).ShouldBeEmpty();
        Logger.Messages.ShouldContain(m => m.Contains("0 foreign, 1 of a newer version"));
    }

    private static (BlobKey Key, PutOptions Options, byte[] Content) Describe(string name) => name switch
    {
        "empty" => (BlobKey.Create("golden", "", name), new PutOptions(), []),
        "full" => (FullKey, Full, FrozenContent(1000)),
        "large" => (BlobKey.Create("golden", "", name), new PutOptions(), FrozenContent(LargeLength)),
        _ => (BlobKey.Create("golden", "", name), WithUnknown, FrozenContent(10)),
    };

    /// <summary>Of the large file, only what surrounds the content is kept.</summary>
    private static byte[] Golden(string name) => name == "large"
        ? [.. Kept("large.header"), .. FrozenContent(LargeLength), .. Kept("large.trailer")]
        : Kept(name);

    private static byte[] Kept(string name) => File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "Golden", name + ".blob"));

    /// <summary>Puts a golden file where a store that lost its marker would find it.</summary>
    private async Task<string> PlaceAsync(string name)
    {
        var path = PlaceFor(name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        await File.WriteAllBytesAsync(path, Golden(name), Cancel);
        return path;
    }
}
