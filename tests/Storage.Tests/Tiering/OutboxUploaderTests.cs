using EdgeCache.TestKit;
using EdgeCache.TestKit.Stores;
using Microsoft.Extensions.Logging;

namespace EdgeCache.Storage.Tests.Tiering;

/// <summary>What is sent, in which order, and what becomes of what can't be.</summary>
public sealed class OutboxUploaderTests : UploaderTest
{
    private const StoreStatus Ok = StoreStatus.Ok;

    [Fact]
    public async Task A_blob_gets_to_the_far_store_as_it_is_and_its_entry_goes()
    {
        var content = Blobs.Bytes(1_000_000);
        var options = new PutOptions
        {
            ContentType = "text/x-test",
            Writer = "ci",
            Tags = ["release"],
            StoredHeaders = [new("x-artifact-tag", "abc")],
            UnknownFields = [new UnknownField(900, new byte[] { 1, 2 })],
            Created = Clock.GetUtcNow().AddDays(-1),
        };
        await PutAsync("k", content, options);
        await PutAsync("empty", []);
        Start();
        await EmptyAsync();

        var (read, metadata) = await FarStore.GetAsync(Blobs.Key("k"));
        read.AsSpan().SequenceEqual(content).ShouldBeTrue();
        (metadata.ContentType, metadata.Writer, metadata.Created).ShouldBe((options.ContentType, options.Writer, options.Created!.Value));
        metadata.Tags.ShouldBe(options.Tags);
        metadata.StoredHeaders.ShouldBe(options.StoredHeaders);
        metadata.UnknownFields.ShouldHaveSingleItem().Value.ToArray().ShouldBe([1, 2]);
        (await FarStore.GetAsync(Blobs.Key("empty"))).Content.ShouldBeEmpty();
        var write = Far.Writes.Single(w => w.ExpectedLength == content.Length);
        write.ExpectedSha256.ShouldBe(metadata.Sha256);
        NearStore.Keys.Count.ShouldBe(2);
        await Eventually.TrueAsync(() => NearStore.OpenReaders + FarStore.OpenWriters == 0, Limit, "everything is closed");
    }

    [Fact]
    public async Task What_is_added_later_is_sent_when_it_is_told()
    {
        var uploader = Start();
        for (var i = 0; i < 5; i++)
        {
            await PutAsync($"k{i}");
            await EmptyAsync();
        }
        FarStore.Keys.Count.ShouldBe(5);
        (await uploader.DrainAsync(Limit, Cancel)).Waiting.ShouldBe(0);
    }

    [Fact]
    public async Task The_oldest_goes_first()
    {
        string[] names = ["c", "a", "d", "b"];
        foreach (var name in names)
            await PutAsync(name);
        await PutAsync("a");
        Start(parallelism: 1);
        await EmptyAsync();
        Far.KeysOf(StoreCall.OpenWrite).ShouldBe(["c", "d", "b", "a"]);
    }

    [Fact]
    public async Task As_many_are_sent_at_once_as_is_allowed_and_each_once()
    {
        for (var i = 0; i < 300; i++)
            await PutAsync($"k{i}");
        var (now, most) = (0, 0);
        using var full = new CountdownEvent(3);
        Far.Before = async (call, _) =>
        {
            if (call == StoreCall.OpenWrite)
            {
                most = Math.Max(most, Interlocked.Increment(ref now));
                if (!full.IsSet)
                    full.Signal();
                await Task.Run(() => full.Wait(Cancel));
            }
            if (call == StoreCall.Commit)
                Interlocked.Decrement(ref now);
            return Ok;
        };
        Start(parallelism: 3);
        await EmptyAsync();
        most.ShouldBe(3);
        Far.Count(StoreCall.Commit).ShouldBe(300);
        FarStore.Keys.Count.ShouldBe(300);
    }

    [Theory]
    [InlineData(StoreCall.OpenWrite, StoreStatus.TooLarge)]
    [InlineData(StoreCall.OpenWrite, StoreStatus.PreconditionFailed)]
    [InlineData(StoreCall.Write, StoreStatus.TooLarge)]
    [InlineData(StoreCall.Commit, StoreStatus.Exists)]
    [InlineData(StoreCall.Commit, StoreStatus.DigestMismatch)]
    public async Task What_can_never_be_sent_is_parked_with_its_reason_and_holds_up_nobody(StoreCall at, StoreStatus status)
    {
        for (var i = 0; i < 20; i++)
        {
            await PutAsync($"bad{i}");
            await PutAsync($"good{i}");
        }
        Far.Before = (call, key) => new(call == at && key.Key.StartsWith("bad", StringComparison.Ordinal) ? status : Ok);
        var uploader = Start();
        await EmptyAsync();

        Outbox.State.Parked.ShouldBe(20);
        Outbox.ListParked(1)[0].Reason.ShouldContain(status.ToString());
        FarStore.Keys.Count.ShouldBe(20);
        Log.Lines.ShouldContain(l => l.Level == LogLevel.Error && l.Text.Contains("bad0") && l.Text.Contains(status.ToString()));
        Clock.Advance(TimeSpan.FromHours(1));
        await SettleAsync();
        Far.KeysOf(StoreCall.OpenWrite).Count(k => k == "bad0").ShouldBe(1, "it is not tried again");

        Far.Before = null;
        (await Outbox.ReleaseAsync(Cancel)).ShouldBe(20);
        uploader.Notify();
        await EmptyAsync();
        FarStore.Keys.Count.ShouldBe(40);
    }

    [Fact]
    public async Task Where_nothing_is_replaced_another_blob_at_the_far_store_stays()
    {
        await FarStore.PutAsync(Blobs.Key("k"), "theirs"u8.ToArray());
        await PutAsync("k", "ours"u8.ToArray());
        Start(replaces: false);
        await EmptyAsync();
        (await FarStore.GetAsync(Blobs.Key("k"))).Content.ShouldBe("theirs"u8.ToArray());
        Outbox.ListParked(1)[0].Reason.ShouldContain("Exists");
    }

    [Fact]
    public async Task Damage_of_the_local_copy_is_parked_and_nothing_of_it_is_published()
    {
        await PutAsync("k", Blobs.Bytes(300_000));
        var reads = 0;
        Near.Before = async (call, key) =>
        {
            if (call != StoreCall.Read || ++reads < 2)
                return Ok;
            // As the local store does: it is missing from now on.
            await NearStore.DeleteAsync(key, null, Cancel);
            throw new BlobDamagedException("block 1 is not what was written");
        };
        Start();
        await EmptyAsync();
        Outbox.ListParked(1)[0].Reason.ShouldContain("block 1 is not what was written");
        FarStore.Keys.ShouldBeEmpty();
    }

    [Fact]
    public async Task An_entry_without_a_blob_goes_and_that_is_said()
    {
        await Outbox.AddAsync(Blobs.Key("never-written"), 10, Cancel);
        await PutAsync("k");
        Start();
        await EmptyAsync();
        FarStore.Keys.ShouldBe(["test/k"]);
        Log.Lines.ShouldContain(l => l.Level == LogLevel.Warning && l.Text.Contains("never-written"));
    }

    [Fact]
    public async Task An_entry_that_the_disk_does_not_let_go_is_tried_again()
    {
        await PutAsync("k");
        var refusals = 2;
        Outbox.Changing = () =>
        {
            if (refusals-- > 0)
                throw new IOException("disk I/O error");
        };
        Start();
        await PassAsync(() => Waiting == 0, TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(1));
        FarStore.Keys.Count.ShouldBe(1);
    }

    [Fact]
    public async Task A_fault_of_a_store_does_not_end_the_others()
    {
        await PutAsync("bad");
        await PutAsync("good");
        var isBroken = true;
        Far.Before = (_, key) => isBroken && key.Key == "bad" ? throw new InvalidOperationException("a bug") : new(Ok);
        Start(parallelism: 1);
        await Eventually.TrueAsync(() => FarStore.Keys.Count == 1, Limit, "the good one is there");
        Log.Lines.ShouldContain(l => l.Level == LogLevel.Error && l.Text.Contains("bad"));
        isBroken = false;
        await PassAsync(() => Waiting == 0, TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(1));
    }
}
