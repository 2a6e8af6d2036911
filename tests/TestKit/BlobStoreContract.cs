using System.Security.Cryptography;
using EdgeCache.Storage;

namespace EdgeCache.TestKit;

/// <summary>What every store must do. A store's test project derives from it and says how to open one.</summary>
public abstract class BlobStoreContract : IAsyncLifetime
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    /// <summary>Lengths around everything that has an edge: nothing, one byte, buffers, checksum blocks.</summary>
    public static TheoryData<int> Lengths => [0, 1, 100, 4095, 4096, 65_536, 131_071, 131_072, 131_073, (1 << 20) - 1, 1 << 20, (1 << 20) + 1, (3 << 20) + 17];

    protected IBlobStore Store { get; private set; } = null!;

    /// <summary>Whether a validator that a writer gives is kept; tiers have their own use for it.</summary>
    protected virtual bool KeepsFarValidator => true;

    /// <summary>Whether the store can tell what it has; one behind HTTP can't.</summary>
    protected virtual bool CanList => true;

    /// <summary>Whether keys may have a tenant; the addresses of HTTP have no place for one.</summary>
    protected virtual bool HasTenants => true;

    protected abstract Task<IBlobStore> OpenAsync();

    /// <summary>Content of the blobs; a store that treats some content in another way is tested with that too.</summary>
    protected virtual byte[] Bytes(int length, int seed = 0) => Blobs.Bytes(length, seed);

    public async ValueTask InitializeAsync() => Store = await OpenAsync();

    public virtual async ValueTask DisposeAsync()
    {
        await Store.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    [Theory]
    [MemberData(nameof(Lengths))]
    public async Task What_is_put_is_got_with_its_metadata(int length)
    {
        var key = Blobs.Key($"k{length}");
        var content = Bytes(length, seed: length);
        var options = new PutOptions
        {
            ContentType = "text/x-test",
            Writer = "ci",
            Tags = ["release", "x64"],
            StoredHeaders = [new("x-artifact-tag", "abc"), new("x-artifact-duration", "12")],
            FarValidator = "\"v1\"",
            UnknownFields = [new UnknownField(900, new byte[] { 1, 2, 3 })],
        };

        var receipt = (await Store.PutAsync(key, content, options)).Value.ShouldNotBeNull();

        receipt.Effect.ShouldBe(PutEffect.Created);
        receipt.Stored.ShouldNotBe(StoredWhere.None);
        var (read, metadata) = await Store.GetAsync(key);
        read.AsSpan().SequenceEqual(content).ShouldBeTrue();
        metadata.Key.ShouldBe(key);
        metadata.Length.ShouldBe(length);
        metadata.Sha256.ShouldBe(new Sha256Digest(SHA256.HashData(content)));
        if (metadata.Coding.Length == 0)
            (metadata.PayloadLength, metadata.PayloadSha256).ShouldBe((length, metadata.Sha256));
        else
            metadata.PayloadLength.ShouldBeInRange(1, length);
        metadata.ContentType.ShouldBe("text/x-test");
        metadata.Writer.ShouldBe("ci");
        metadata.Tags.ShouldBe(options.Tags);
        metadata.StoredHeaders.ShouldBe(options.StoredHeaders);
        (metadata.FarValidator == "\"v1\"").ShouldBe(KeepsFarValidator);
        metadata.UnknownFields.ShouldHaveSingleItem().Value.ToArray().ShouldBe([1, 2, 3]);
        metadata.Generation.ShouldBeGreaterThan(0);
    }

    [Fact]
    public async Task A_missing_blob_is_missing_to_every_call()
    {
        var key = Blobs.Key("nothing");
        (await Store.OpenReadAsync(key, ByteRange.Whole, Cancel)).Status.ShouldBe(StoreStatus.Missing);
        (await Store.StatAsync(key, Cancel)).Status.ShouldBe(StoreStatus.Missing);
        (await Store.DeleteAsync(key, null, Cancel)).Status.ShouldBe(StoreStatus.Missing);
    }

    [Fact]
    public async Task Stat_tells_what_open_tells()
    {
        var key = Blobs.Key("stat");
        await Store.PutAsync(key, Bytes(5000), new PutOptions { ContentType = "a/b" });
        var stat = (await Store.StatAsync(key, Cancel)).Value.ShouldNotBeNull();
        var (_, opened) = await Store.GetAsync(key);
        (stat.Length, stat.Sha256, stat.ContentType, stat.Created, stat.Generation)
            .ShouldBe((opened.Length, opened.Sha256, opened.ContentType, opened.Created, opened.Generation));
    }

    [Fact]
    public async Task Any_range_is_the_slice()
    {
        var key = Blobs.Key("ranged");
        var content = Bytes((2 << 20) + 12345, seed: 4);
        await Store.PutAsync(key, content);
        var random = new Random(7);
        for (var i = 0; i < 200; i++)
        {
            var offset = random.Next(content.Length);
            var length = Math.Min(content.Length - offset, random.Next(1, 200_000));
            await using var reader = (await Store.OpenReadAsync(key, new ByteRange(offset, length), Cancel)).Value.ShouldNotBeNull();
            var buffer = new byte[length];
            await reader.ReadFullyAsync(offset, buffer);
            buffer.AsSpan().SequenceEqual(content.AsSpan(offset, length)).ShouldBeTrue($"bytes {offset}+{length}");
        }
        await using var end = (await Store.OpenReadAsync(key, ByteRange.Whole, Cancel)).Value.ShouldNotBeNull();
        (await end.ReadAsync(content.Length, new byte[1], Cancel)).ShouldBe(0);
        (await end.ReadAsync(content.Length - 1, new byte[10], Cancel)).ShouldBe(1);
    }

    [Fact]
    public async Task Nothing_is_visible_before_the_commit_and_nothing_stays_without_it()
    {
        var key = Blobs.Key("uncommitted");
        var before = Store.State.UsedBytes;
        await using (var writer = (await Store.OpenWriteAsync(key, new PutOptions(), Cancel)).Value.ShouldNotBeNull())
        {
            (await writer.WriteAsync(Bytes(300_000), Cancel)).ShouldBe(StoreStatus.Ok);
            (await Store.StatAsync(key, Cancel)).Status.ShouldBe(StoreStatus.Missing);
        }
        (await Store.StatAsync(key, Cancel)).Status.ShouldBe(StoreStatus.Missing);
        Store.State.UsedBytes.ShouldBe(before);
    }

    [Theory]
    [InlineData(999)]
    [InlineData(1001)]
    public async Task A_length_that_was_not_announced_is_refused(int announced)
    {
        var key = Blobs.Key("length");
        var outcome = await Store.PutAsync(key, Bytes(1000), new PutOptions { ExpectedLength = announced });
        outcome.Status.ShouldBe(StoreStatus.LengthMismatch);
        (await Store.StatAsync(key, Cancel)).Status.ShouldBe(StoreStatus.Missing);
    }

    [Fact]
    public async Task Another_digest_than_expected_is_refused_and_the_right_one_is_taken()
    {
        var key = Blobs.Key("digest");
        var content = Bytes(1000);
        var wrong = new PutOptions { ExpectedSha256 = new Sha256Digest(SHA256.HashData("other"u8)) };
        (await Store.PutAsync(key, content, wrong)).Status.ShouldBe(StoreStatus.DigestMismatch);
        (await Store.StatAsync(key, Cancel)).Status.ShouldBe(StoreStatus.Missing);
        var right = new PutOptions { ExpectedSha256 = new Sha256Digest(SHA256.HashData(content)), ExpectedLength = 1000 };
        (await Store.PutAsync(key, content, right)).Status.ShouldBe(StoreStatus.Ok);
    }

    [Fact]
    public async Task Content_beyond_the_callers_limit_is_refused_announced_or_not()
    {
        var key = Blobs.Key("large");
        (await Store.PutAsync(key, Bytes(1001), new PutOptions { MaxLength = 1000 })).Status.ShouldBe(StoreStatus.TooLarge);
        (await Store.OpenWriteAsync(key, new PutOptions { MaxLength = 1000, ExpectedLength = 1001 }, Cancel)).Status.ShouldBe(StoreStatus.TooLarge);
        (await Store.PutAsync(key, Bytes(1000), new PutOptions { MaxLength = 1000 })).Status.ShouldBe(StoreStatus.Ok);
    }

    [Fact]
    public async Task The_first_of_two_different_blobs_stays_where_nothing_is_replaced()
    {
        var key = Blobs.Key("immutable");
        await Store.PutAsync(key, "one"u8.ToArray());
        (await Store.PutAsync(key, "two"u8.ToArray())).Status.ShouldBe(StoreStatus.Exists);
        (await Store.GetAsync(key)).Content.ShouldBe("one"u8.ToArray());
        (await Store.PutAsync(key, "one"u8.ToArray())).Value.ShouldNotBeNull().Effect.ShouldBe(PutEffect.Unchanged);
    }

    [Fact]
    public async Task A_replacement_replaces_content_and_metadata_and_an_open_reader_keeps_the_old()
    {
        var key = Blobs.Key("replaced");
        var old = Bytes(2_000_000, seed: 1);
        var first = (await Store.PutAsync(key, old, new PutOptions { Replace = true })).Value.ShouldNotBeNull();
        await using var reader = (await Store.OpenReadAsync(key, ByteRange.Whole, Cancel)).Value.ShouldNotBeNull();

        var next = Bytes(10, seed: 2);
        var second = (await Store.PutAsync(key, next, new PutOptions { Replace = true, ContentType = "x/y" })).Value.ShouldNotBeNull();

        second.Effect.ShouldBe(PutEffect.Replaced);
        second.Metadata.Generation.ShouldBeGreaterThan(first.Metadata.Generation);
        var (content, metadata) = await Store.GetAsync(key);
        content.ShouldBe(next);
        metadata.ContentType.ShouldBe("x/y");
        var buffer = new byte[old.Length];
        await reader.ReadFullyAsync(0, buffer);
        buffer.AsSpan().SequenceEqual(old).ShouldBeTrue();
    }

    [Fact]
    public async Task A_deleted_blob_is_gone_and_an_open_reader_keeps_it()
    {
        var key = Blobs.Key("deleted");
        var content = Bytes(500_000);
        await Store.PutAsync(key, content);
        await using var reader = (await Store.OpenReadAsync(key, ByteRange.Whole, Cancel)).Value.ShouldNotBeNull();
        (await Store.DeleteAsync(key, null, Cancel)).Value.ShouldNotBeNull().Length.ShouldBe(content.Length);
        (await Store.StatAsync(key, Cancel)).Status.ShouldBe(StoreStatus.Missing);
        var buffer = new byte[content.Length];
        await reader.ReadFullyAsync(0, buffer);
        buffer.AsSpan().SequenceEqual(content).ShouldBeTrue();
        (await Store.PutAsync(key, "new"u8.ToArray())).Value.ShouldNotBeNull().Effect.ShouldBe(PutEffect.Created);
    }

    [Fact]
    public async Task Conditions_are_checked_against_what_is_there()
    {
        var key = Blobs.Key("conditions");
        var one = new Sha256Digest(SHA256.HashData("one"u8));
        var present = new BlobCondition { MustExist = true };
        PutOptions With(BlobCondition condition) => new() { Replace = true, Condition = condition };

        (await Store.PutAsync(key, "one"u8.ToArray(), With(present))).Status.ShouldBe(StoreStatus.PreconditionFailed);
        (await Store.PutAsync(key, "one"u8.ToArray(), With(BlobCondition.Absent))).Status.ShouldBe(StoreStatus.Ok);
        (await Store.PutAsync(key, "two"u8.ToArray(), With(BlobCondition.Absent))).Status.ShouldBe(StoreStatus.PreconditionFailed);
        (await Store.PutAsync(key, "two"u8.ToArray(), With(new BlobCondition { NoneOf = [one] }))).Status.ShouldBe(StoreStatus.PreconditionFailed);
        (await Store.PutAsync(key, "two"u8.ToArray(), With(new BlobCondition { AnyOf = [one] }))).Status.ShouldBe(StoreStatus.Ok);
        (await Store.PutAsync(key, "three"u8.ToArray(), With(new BlobCondition { AnyOf = [one] }))).Status.ShouldBe(StoreStatus.PreconditionFailed);
        (await Store.DeleteAsync(key, new BlobCondition { AnyOf = [one] }, Cancel)).Status.ShouldBe(StoreStatus.PreconditionFailed);
        (await Store.GetAsync(key)).Content.ShouldBe("two"u8.ToArray());
        (await Store.DeleteAsync(key, present, Cancel)).Status.ShouldBe(StoreStatus.Ok);
    }

    [Fact]
    public async Task A_condition_that_held_at_the_beginning_is_checked_again_at_the_end()
    {
        var key = Blobs.Key("late");
        await using var writer = (await Store.OpenWriteAsync(key, new PutOptions { Replace = true, Condition = BlobCondition.Absent }, Cancel)).Value.ShouldNotBeNull();
        await writer.WriteAsync("slow"u8.ToArray(), Cancel);
        await Store.PutAsync(key, "quick"u8.ToArray());
        (await writer.CommitAsync(Cancel)).Status.ShouldBe(StoreStatus.PreconditionFailed);
        (await Store.GetAsync(key)).Content.ShouldBe("quick"u8.ToArray());
    }

    [Theory]
    [InlineData("put")]
    [InlineData("delete")]
    [InlineData("delete of nothing")]
    [InlineData("nothing")]
    public async Task A_fill_does_not_overtake_what_happened_since_its_stamp(string meanwhile)
    {
        var key = Blobs.Key("fill");
        if (meanwhile is "delete")
            await Store.PutAsync(key, "old"u8.ToArray());
        var stamp = Store.GetGeneration(key);
        await using var writer = (await Store.OpenWriteAsync(key, new PutOptions { Replace = true, IfGeneration = stamp }, Cancel)).Value.ShouldNotBeNull();
        await writer.WriteAsync("fill"u8.ToArray(), Cancel);
        if (meanwhile == "put")
            await Store.PutAsync(key, "newer"u8.ToArray(), new PutOptions { Replace = true });
        else if (meanwhile.StartsWith("delete", StringComparison.Ordinal))
            await Store.DeleteAsync(key, null, Cancel);

        var status = (await writer.CommitAsync(Cancel)).Status;

        status.ShouldBe(meanwhile == "nothing" ? StoreStatus.Ok : StoreStatus.Superseded);
        if (meanwhile == "put")
            (await Store.GetAsync(key)).Content.ShouldBe("newer"u8.ToArray());
    }

    [Fact]
    public async Task A_listing_has_every_blob_of_the_prefix_once_in_order()
    {
        Assert.SkipUnless(CanList, "The store can't list.");
        string[] names = ["a", "a.b", "a/b", "ab", "b", "B"];
        foreach (var name in names)
            await Store.PutAsync(BlobKey.Create("list", "", name), Bytes(name.Length));
        await Store.PutAsync(BlobKey.Create("list", "tenant", "a"), Bytes(9));
        await Store.PutAsync(BlobKey.Create("other", "", "a"), Bytes(9));

        (await ListAsync(new BlobPrefix("list", ""))).ShouldBe(["list/B:1", "list/a:1", "list/a.b:3", "list/a/b:3", "list/ab:2", "list/b:1"]);
        (await ListAsync(new BlobPrefix("list", "", "a/"))).ShouldBe(["list/a/b:3"]);
        (await ListAsync(new BlobPrefix("list", "tenant"))).ShouldBe(["list/[tenant]/a:9"]);
        (await ListAsync(new BlobPrefix("list"))).Count.ShouldBe(7);
        (await ListAsync(new BlobPrefix("none"))).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_listing_by_tag_or_writer_has_what_the_blobs_have_now()
    {
        Assert.SkipUnless(CanList, "The store can't list.");
        Task PutAsync(string name, string writer, params string[] tags) =>
            Store.PutAsync(BlobKey.Create("list", "", name), Bytes(name.Length), new PutOptions { Replace = true, Writer = writer, Tags = tags });
        await PutAsync("c", "ci", "x", "y", "x");
        await PutAsync("a", "ci", "x");
        await PutAsync("ab", "", "x y");
        await PutAsync("b", "dev", "y");
        await Store.PutAsync(BlobKey.Create("list", "tenant", "a"), Bytes(9), new PutOptions { Writer = "ci", Tags = ["x"] });
        await Store.PutAsync(BlobKey.Create("other", "", "a"), Bytes(9), new PutOptions { Writer = "ci", Tags = ["x"] });

        (await ListAsync(new BlobPrefix("list", "", Tag: "x"))).ShouldBe(["list/a:1", "list/c:1"]);
        (await ListAsync(new BlobPrefix("list", Tag: "x"))).ShouldBe(["list/a:1", "list/c:1", "list/[tenant]/a:9"]);
        (await ListAsync(new BlobPrefix("list", "", "c", Tag: "x"))).ShouldBe(["list/c:1"]);
        (await ListAsync(new BlobPrefix("list", "", Tag: "x y"))).ShouldBe(["list/ab:2"]);
        (await ListAsync(new BlobPrefix("list", Tag: ""))).ShouldBeEmpty();
        (await ListAsync(new BlobPrefix("list", Writer: "ci"))).ShouldBe(["list/a:1", "list/c:1", "list/[tenant]/a:9"]);
        (await ListAsync(new BlobPrefix("list", Writer: ""))).ShouldBe(["list/ab:2"]);
        (await ListAsync(new BlobPrefix("list", "", Writer: "ci", Tag: "y"))).ShouldBe(["list/c:1"]);
        (await ListAsync(new BlobPrefix("list", Writer: "nobody"))).ShouldBeEmpty();

        await Store.PutAsync(BlobKey.Create("list", "", "a"), Bytes(77), new PutOptions { Replace = true, Writer = "dev", Tags = ["y"] });
        await Store.DeleteAsync(BlobKey.Create("list", "", "c"), null, Cancel);

        (await ListAsync(new BlobPrefix("list", "", Tag: "x"))).ShouldBeEmpty();
        (await ListAsync(new BlobPrefix("list", "", Tag: "y"))).ShouldBe(["list/a:77", "list/b:1"]);
        (await ListAsync(new BlobPrefix("list", "", Writer: "ci"))).ShouldBeEmpty();
        (await ListAsync(new BlobPrefix("list", "", Writer: "dev"))).ShouldBe(["list/a:77", "list/b:1"]);
    }

    [Fact]
    public async Task A_long_listing_has_what_stays_once_in_order_while_others_come_and_go()
    {
        Assert.SkipUnless(CanList, "The store can't list.");
        var stays = Enumerable.Range(0, 2500).Select(i => $"{i * 7919 % 2500:d4}").ToList();
        await Parallel.ForEachAsync(stays, Cancel, async (name, _) => await Store.PutAsync(BlobKey.Create("list", $"t{name[3] % 2}", name), Bytes(10)));
        await Parallel.ForEachAsync(stays.Take(300), Cancel, async (name, _) => await Store.PutAsync(BlobKey.Create("list", $"t{name[3] % 2}", name + "-goes"), Bytes(10)));

        var found = new List<BlobKey>();
        await foreach (var item in Store.ListAsync(new BlobPrefix("list"), Cancel))
        {
            found.Add(item.Key);
            if (found.Count % 8 != 0)
                continue;
            var name = stays[found.Count / 8 % 300];
            await Store.DeleteAsync(BlobKey.Create("list", $"t{name[3] % 2}", name + "-goes"), null, Cancel);
            await Store.PutAsync(BlobKey.Create("list", $"t{name[3] % 2}", name + "-comes"), Bytes(10));
            // Written again, so that it may be in it or not, and once if it is.
            await Store.PutAsync(BlobKey.Create("list", "t0", stays[0] + "-goes"), Bytes(found.Count), new PutOptions { Replace = true });
        }

        found.ShouldBe(found.Distinct().OrderBy(k => k.Tenant, StringComparer.Ordinal).ThenBy(k => k.Key, StringComparer.Ordinal));
        found.Where(k => !k.Key.Contains('-')).ShouldBe(
            stays.Select(n => BlobKey.Create("list", $"t{n[3] % 2}", n)).OrderBy(k => k.Tenant, StringComparer.Ordinal).ThenBy(k => k.Key, StringComparer.Ordinal));
        (await ListAsync(new BlobPrefix("list", "t1"))).Count(k => !k.Contains('-')).ShouldBe(1250);
        (await ListAsync(new BlobPrefix("list", KeyPrefix: "12"))).Count(k => !k.Contains('-')).ShouldBe(100);
    }

    [Fact]
    public async Task Namespaces_and_tenants_do_not_share_keys()
    {
        BlobKey[] keys = [BlobKey.Create("one", "", "k"), BlobKey.Create("two", "", "k"), BlobKey.Create("one", "", "t/k"), .. HasTenants ? [BlobKey.Create("one", "t", "k")] : Array.Empty<BlobKey>()];
        for (var i = 0; i < keys.Length; i++)
            (await Store.PutAsync(keys[i], Bytes(100, seed: i))).Value.ShouldNotBeNull().Effect.ShouldBe(PutEffect.Created);
        for (var i = 0; i < keys.Length; i++)
            (await Store.GetAsync(keys[i])).Content.ShouldBe(Bytes(100, seed: i));
    }

    [Fact]
    public async Task Of_different_concurrent_puts_of_one_key_one_wins_and_equal_ones_all_succeed()
    {
        for (var round = 0; round < 20; round++)
        {
            var key = Blobs.Key($"race{round}");
            var outcomes = await Task.WhenAll(Enumerable.Range(0, 16).Select(i => Task.Run(() => Store.PutAsync(key, Bytes(2000, seed: i % 4)))));
            var winner = (await Store.GetAsync(key)).Content;
            outcomes.Count(o => o.Value?.Effect == PutEffect.Created).ShouldBe(1);
            for (var i = 0; i < outcomes.Length; i++)
                outcomes[i].Status.ShouldBe(Bytes(2000, seed: i % 4).AsSpan().SequenceEqual(winner) ? StoreStatus.Ok : StoreStatus.Exists);
        }
    }

    [Fact]
    public async Task Readers_see_whole_versions_while_a_key_is_replaced_and_deleted()
    {
        var key = Blobs.Key("churn");
        var versions = Enumerable.Range(0, 8).Select(i => Bytes(70_000 + (i * 1000), seed: i)).ToArray();
        var known = versions.ToDictionary(v => new Sha256Digest(SHA256.HashData(v)), v => v.Length);
        using var stop = new CancellationTokenSource();
        var seen = 0;
        var readers = Enumerable.Range(0, 3).Select(_ => Task.Run(async () =>
        {
            while (!stop.IsCancellationRequested)
            {
                if (await Store.TryGetAsync(key) is not { } blob)
                    continue;
                var digest = new Sha256Digest(SHA256.HashData(blob.Content));
                known.ShouldContainKey(digest);
                blob.Metadata.Sha256.ShouldBe(digest);
                Interlocked.Increment(ref seen);
            }
        })).ToArray();
        for (var i = 0; i < 80 || (Volatile.Read(ref seen) == 0 && i < 100_000); i++)
        {
            await Store.PutAsync(key, versions[i % versions.Length], new PutOptions { Replace = true });
            if (i % 10 == 9)
                await Store.DeleteAsync(key, null, Cancel);
        }
        await stop.CancelAsync();
        await Task.WhenAll(readers);
        seen.ShouldBeGreaterThan(0);
    }

    private async Task<List<string>> ListAsync(BlobPrefix prefix)
    {
        var found = new List<string>();
        await foreach (var item in Store.ListAsync(prefix, Cancel))
            found.Add($"{item.Key}:{item.Length}");
        return found;
    }
}
