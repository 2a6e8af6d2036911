using EdgeCache.Storage.Tiering;
using EdgeCache.TestKit;
using EdgeCache.TestKit.Stores;

namespace EdgeCache.Storage.Tests.Tiering;

/// <summary>What the local store does not take, is streamed past it.</summary>
public sealed class PastDiskTests : TierTest
{
    private static readonly BlobKey Key = Blobs.Key("k");

    [Theory]
    [InlineData(0, false)]
    [InlineData(3, false)]
    [InlineData(3, true)]
    public async Task A_full_local_store_is_streamed_past(int writesBefore, bool isWrong)
    {
        var content = Blobs.Bytes(900_000);
        await FarStore.PutAsync(Key, content);
        var writes = 0;
        Near.Before = (call, _) => new((call == StoreCall.OpenWrite && writesBefore == 0) || (call == StoreCall.Write && Interlocked.Increment(ref writes) > writesBefore) ? StoreStatus.NoSpace : StoreStatus.Ok);
        if (isWrong)
            FarContent.Change = (number, offset, bytes) => bytes.Span[^1] ^= (byte)(number > 1 && offset + bytes.Length > 500_000 ? 1 : 0);
        var point = new Point();
        Far.Before = (call, _) => call == StoreCall.Read ? point.PassAsync() : new(StoreStatus.Ok);
        await using var first = await OpenAsync(Key);
        await using var second = await OpenAsync(Key);
        point.Open();
        foreach (var reader in new[] { first, second })
        {
            var buffer = new byte[content.Length];
            var reading = reader.ReadFullyAsync(0, buffer).WaitAsync(Limit);
            if (isWrong && ReferenceEquals(reader, second))
            {
                await Should.ThrowAsync<BlobDamagedException>(reading);
                continue;
            }
            await reading;
            buffer.ShouldBe(content);
        }
        NearStore.Keys.ShouldBeEmpty();
    }

    [Theory]
    [InlineData(0, true)]
    [InlineData(3, true)]
    [InlineData(0, false)]
    [InlineData(3, false)]
    public async Task What_turns_past_the_disk_in_the_middle_is_held_against_its_digest_or_md5_whoever_reads_on(int writesBefore, bool isOurs)
    {
        var content = Blobs.Bytes(900_000);
        await FarStore.PutAsync(Key, content);
        if (!isOurs)
            FarContent.Tell = blob => blob with { Sha256 = default, PayloadSha256 = default, FarValidator = "\"theirs\"" };
        using var hash = System.Security.Cryptography.IncrementalHash.CreateHash(System.Security.Cryptography.HashAlgorithmName.MD5);
        hash.AppendData(content);
        FarContent.Md5 = hash.GetHashAndReset();
        var writes = 0;
        Near.Before = (call, _) => new(call == StoreCall.Write && Interlocked.Increment(ref writes) > writesBefore ? StoreStatus.NoSpace : StoreStatus.Ok);
        (await Tiers.GetAsync(Key)).Content.ShouldBe(content);

        // The reader is the fetch's, and what it has read twice is wrong the second time.
        writes = 0;
        var turn = (long)writesBefore * Fill.BufferLength;
        var passes = 0;
        FarContent.Change = (_, offset, bytes) =>
        {
            if (offset <= turn && offset + bytes.Length > turn && Interlocked.Increment(ref passes) == 2)
                bytes.Span[(int)(turn - offset)] ^= 1;
        };
        await Should.ThrowAsync<BlobDamagedException>(Tiers.GetAsync(Key).WaitAsync(Limit));
        passes.ShouldBe(2);
        NearStore.Keys.ShouldBeEmpty();
    }

    [Theory]
    [InlineData(StoreCall.OpenWrite)]
    [InlineData(StoreCall.Write)]
    public async Task Who_finds_the_disk_full_reads_the_version_that_the_far_store_has_then(StoreCall full)
    {
        var (older, newer) = (Blobs.Bytes(70_000), Blobs.Bytes(71_000, seed: 1));
        await FarStore.PutAsync(Key, older);
        var point = new Point();
        var opens = 0;
        Near.Before = (call, _) => call == full ? point.FailAsync(StoreStatus.NoSpace) : new(StoreStatus.Ok);
        Far.Before = async (call, _) =>
        {
            if (call == StoreCall.OpenRead && Interlocked.Increment(ref opens) == 2)
                await FarStore.PutAsync(Key, newer, new PutOptions { Replace = true });
            return StoreStatus.Ok;
        };
        var reading = Enumerable.Range(0, 2).Select(_ => Tiers.GetAsync(Key)).ToArray();
        await point.Reached;
        await Eventually.TrueAsync(() => Counts.CollapsedReads == 1, Limit, "the second has joined");
        point.Open();
        var read = await Task.WhenAll(reading).WaitAsync(Limit);
        read.Select(r => r.Content.Length).Order().ShouldBe([70_000, 71_000]);
        foreach (var (content, blob) in read)
        {
            content.ShouldBe(content.Length == 70_000 ? older : newer);
            blob.Length.ShouldBe(content.Length);
            blob.Sha256.ShouldBe(new Sha256Digest(System.Security.Cryptography.SHA256.HashData(content)));
        }
    }

    [Fact]
    public async Task What_a_local_record_can_not_say_is_served_all_the_same()
    {
        var content = Blobs.Bytes(300_000);
        await FarStore.PutAsync(Key, content);
        Near.Before = (call, _) => call == StoreCall.OpenWrite ? throw new ArgumentException("Stored headers have at most a length.", nameof(call)) : new(StoreStatus.Ok);
        (await Tiers.GetAsync(Key)).Content.ShouldBe(content);
    }

    [Fact]
    public async Task What_is_streamed_past_is_held_against_a_key_that_is_the_digest()
    {
        var content = Blobs.Bytes(300_000);
        var key = Blobs.Key(Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(content)));
        Policy = new TierPolicy { Verified = true };
        await FarStore.PutAsync(key, content);
        FarContent.Tell = blob => blob with { Sha256 = default, PayloadSha256 = default, FarValidator = "\"theirs-3\"" };
        Near.Before = (call, _) => new(call == StoreCall.OpenWrite ? StoreStatus.NoSpace : StoreStatus.Ok);
        (await Tiers.GetAsync(key)).Content.ShouldBe(content);
        FarContent.Change = (_, offset, bytes) => bytes.Span[0] ^= (byte)(offset == 0 ? 1 : 0);
        await Should.ThrowAsync<BlobDamagedException>(Tiers.GetAsync(key));
    }
}
