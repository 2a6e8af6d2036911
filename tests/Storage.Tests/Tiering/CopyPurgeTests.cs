using EdgeCache.Storage.Tiering;
using EdgeCache.TestKit;
using EdgeCache.TestKit.Stores;

namespace EdgeCache.Storage.Tests.Tiering;

/// <summary>What a purge of copies promises, also at the worst moments.</summary>
public sealed class CopyPurgeTests : TierTest
{
    private static readonly BlobKey Key = Blobs.Key("k");

    [Fact]
    public async Task A_copy_that_was_purged_softly_is_asked_about_once_and_served_from_here_if_it_is_still_good()
    {
        var content = Blobs.Bytes(1000);
        await CopyAsync(content);
        var asked = Far.Count(StoreCall.Stat);

        (await Tiers.SoftenCopyAsync(Key, Cancel)).IsOk.ShouldBeTrue();
        await IsServedAsync(content, BlobSource.Revalidated);
        await IsServedAsync(content, BlobSource.Local);
        Far.Count(StoreCall.Stat).ShouldBe(asked + 1);
        Far.Count(StoreCall.OpenRead).ShouldBe(1, "the content was not fetched again");
    }

    [Fact]
    public async Task A_copy_that_was_purged_softly_is_replaced_when_the_far_store_has_another_and_gone_when_it_has_none()
    {
        await CopyAsync(Blobs.Bytes(1000));
        var other = Blobs.Bytes(2000);
        await FarStore.PutAsync(Key, other, new PutOptions { Replace = true });
        (await ReadAsync()).Source.ShouldBe(BlobSource.Local, "an immutable namespace: nobody has been told");
        (await Tiers.SoftenCopyAsync(Key, Cancel)).IsOk.ShouldBeTrue();
        (await ReadAsync()).Content.ShouldBe(other);
        await SettledAsync();

        (await FarStore.DeleteAsync(Key, null, Cancel)).IsOk.ShouldBeTrue();
        (await Tiers.SoftenCopyAsync(Key, Cancel)).IsOk.ShouldBeTrue();
        (await StatusAsync(Key)).ShouldBe(StoreStatus.Missing);
        NearStore.Keys.ShouldBeEmpty();
    }

    [Fact]
    public async Task A_copy_that_was_purged_softly_is_served_stale_while_the_far_store_is_down_and_asked_about_afterwards()
    {
        var content = Blobs.Bytes(1000);
        await CopyAsync(content);
        await Tiers.SoftenCopyAsync(Key, Cancel);
        var down = true;
        Far.Before = (_, _) => new(down ? StoreStatus.Unavailable : StoreStatus.Ok);
        await IsServedAsync(content, BlobSource.Stale);
        await IsServedAsync(content, BlobSource.Stale);
        down = false;
        await IsServedAsync(content, BlobSource.Revalidated);
    }

    [Fact]
    public async Task An_answer_that_was_asked_for_before_a_soft_purge_is_none_after_it()
    {
        await CopyAsync(Blobs.Bytes(1000));
        await Tiers.SoftenCopyAsync(Key, Cancel);
        var point = new Point();
        var first = true;
        Far.Before = (call, _) => call == StoreCall.Stat && Interlocked.Exchange(ref first, false) ? point.PassAsync() : new(StoreStatus.Ok);
        var early = ReadAsync();
        await point.Reached;

        // The first question is under way; the far store changes, and the copy is purged again.
        var other = Blobs.Bytes(3000);
        await FarStore.PutAsync(Key, other, new PutOptions { Replace = true });
        await Tiers.SoftenCopyAsync(Key, Cancel);
        (await ReadAsync()).Content.ShouldBe(other);
        point.Open();
        await early.WaitAsync(Limit);
        await SettledAsync();
        (await ReadAsync()).Content.ShouldBe(other);
    }

    [Theory]
    [InlineData("open", "soft")]
    [InlineData("open", "local")]
    [InlineData("open", "hard")]
    [InlineData("read", "soft")]
    [InlineData("read", "local")]
    [InlineData("read", "hard")]
    [InlineData("write", "soft")]
    [InlineData("write", "local")]
    [InlineData("write", "hard")]
    [InlineData("commit", "soft")]
    [InlineData("commit", "local")]
    [InlineData("commit", "hard")]
    public async Task What_is_being_fetched_when_a_purge_comes_is_not_stored_at_whatever_point_it_is(string at, string mode)
    {
        var content = Blobs.Bytes(600_000);
        await FarStore.PutAsync(Key, content);
        var point = new Point();
        var stops = 1;
        ValueTask<StoreStatus> Stop() => Interlocked.Decrement(ref stops) == 0 ? point.PassAsync() : new(StoreStatus.Ok);
        Far.Before = (call, _) => (at, call) is ("open", StoreCall.OpenRead) or ("read", StoreCall.Read) ? Stop() : new(StoreStatus.Ok);
        Near.Before = (call, _) => (at, call) is ("write", StoreCall.Write) or ("commit", StoreCall.Commit) ? Stop() : new(StoreStatus.Ok);
        var reading = Task.Run(() => StatusAsync(Key), Cancel);
        await point.Reached;

        // At the commit the fetch has the key's gate: the purge comes after it, and takes away what it has stored.
        var purging = PurgeAsync(mode);
        if (at == "commit")
            await Eventually.StaysAsync(() => !purging.IsCompleted, TimeSpan.FromMilliseconds(50), "the purge waits for the gate");
        else
            (await purging.WaitAsync(Limit)).ShouldBeOneOf(StoreStatus.Ok, StoreStatus.Missing);
        point.Open();
        await purging.WaitAsync(Limit);
        (await reading.WaitAsync(Limit)).ShouldBeOneOf(StoreStatus.Ok, StoreStatus.Missing);
        await SettledAsync();
        if (mode == "soft" && at == "commit")
            (await ReadAsync()).Source.ShouldBe(BlobSource.Revalidated);
        else
            NearStore.Keys.ShouldBeEmpty();
        (await StatusAsync(Key)).ShouldBe(mode == "hard" ? StoreStatus.Missing : StoreStatus.Ok);
        await SettledAsync();
    }

    [Fact]
    public async Task A_purge_makes_remembered_absence_void()
    {
        Options = new TieredStoreOptions { MissMemory = TimeSpan.FromMinutes(10) };
        (await StatusAsync(Key)).ShouldBe(StoreStatus.Missing);
        await FarStore.PutAsync(Key, Blobs.Bytes(10));
        (await StatusAsync(Key)).ShouldBe(StoreStatus.Missing);
        (await Tiers.DropCopyAsync(Key, Cancel)).Status.ShouldBe(StoreStatus.Missing);
        (await StatusAsync(Key)).ShouldBe(StoreStatus.Ok);
        await SettledAsync();
    }

    [Fact]
    public async Task What_is_only_here_is_not_dropped_and_needs_no_confirmation()
    {
        Policy = new TierPolicy { WriteBack = true, Verified = true };
        var content = Blobs.Bytes(100);
        await Tiers.PutAsync(Key, content);
        Outbox.Contains(Key).ShouldBeTrue();
        (await Tiers.DropCopyAsync(Key, Cancel)).Status.ShouldBe(StoreStatus.Unavailable);
        (await Tiers.SoftenCopyAsync(Key, Cancel)).IsOk.ShouldBeTrue();
        await IsServedAsync(content, BlobSource.Local);
        Far.Count(StoreCall.Stat).ShouldBe(0);
    }

    [Fact]
    public async Task Copies_are_listed_with_what_is_coming_in()
    {
        await CopyAsync(Blobs.Bytes(1000));
        var other = Blobs.Key("other");
        await FarStore.PutAsync(other, Blobs.Bytes(600_000));
        var point = new Point();
        Far.Before = (call, key) => call == StoreCall.Read && key == other ? point.PassAsync() : new(StoreStatus.Ok);
        var reading = Task.Run(() => StatusAsync(other), Cancel);
        await point.Reached;
        (await Tiers.ListCopiesAsync(new BlobPrefix(Key.Namespace), Cancel).Select(b => b.Key).ToListAsync(Cancel)).ShouldBe([other, Key], ignoreOrder: true);
        (await Tiers.ListCopiesAsync(new BlobPrefix(Key.Namespace, KeyPrefix: "oth"), Cancel).Select(b => b.Key).ToListAsync(Cancel)).ShouldBe([other]);
        (await Tiers.ListCopiesAsync(new BlobPrefix("elsewhere"), Cancel).AnyAsync(Cancel)).ShouldBeFalse();
        point.Open();
        await reading.WaitAsync(Limit);
        await SettledAsync();
    }

    [Fact]
    public void Beyond_its_bound_a_soft_purge_removes_the_copy_instead()
    {
        var purges = new SoftPurges();
        for (var i = 0; i < SoftPurges.MaxCount; i++)
            purges.TryAdd(Blobs.Key($"n{i}"), i + 1).ShouldBeTrue();
        purges.TryAdd(Key, 7).ShouldBeFalse();
        purges.Find(Key).ShouldBe(0);
        purges.TryAdd(Blobs.Key("n5"), 1_000_000).ShouldBeTrue("it is there already");
        purges.Remove(Blobs.Key("n5"), 6);
        purges.Find(Blobs.Key("n5")).ShouldBe(1_000_000, "purged again since");
        purges.Remove(Blobs.Key("n5"), 1_000_000);
        purges.TryAdd(Key, 7).ShouldBeTrue();
    }

    private async Task<StoreStatus> PurgeAsync(string mode) => mode switch
    {
        "soft" => (await Tiers.SoftenCopyAsync(Key, Cancel)).Status,
        "local" => (await Tiers.DropCopyAsync(Key, Cancel)).Status,
        _ => (await Tiers.DeleteAsync(Key, null, Cancel)).Status,
    };

    private async Task CopyAsync(byte[] content)
    {
        await FarStore.PutAsync(Key, content);
        (await ReadAsync()).Content.ShouldBe(content);
        await SettledAsync();
    }

    private async Task IsServedAsync(byte[] content, BlobSource source)
    {
        var read = await ReadAsync();
        read.Content.ShouldBe(content);
        read.Source.ShouldBe(source);
    }

    private async Task<(byte[] Content, BlobSource Source)> ReadAsync()
    {
        await using var reader = await OpenAsync(Key);
        var content = new byte[reader.Metadata.Length];
        await reader.ReadFullyAsync(0, content).WaitAsync(Limit);
        return (content, reader.Source);
    }
}
