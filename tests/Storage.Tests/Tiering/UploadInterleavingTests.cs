using EdgeCache.TestKit;
using EdgeCache.TestKit.Stores;

namespace EdgeCache.Storage.Tests.Tiering;

/// <summary>Writes, deletions and stops in the middle of an upload: what is acknowledged gets to the far store, and nothing else stays there.</summary>
public sealed class UploadInterleavingTests : UploaderTest
{
    private const StoreStatus Ok = StoreStatus.Ok;
    private readonly byte[] _old = Blobs.Bytes(300_000, seed: 1);
    private readonly byte[] _new = Blobs.Bytes(200_000, seed: 2);

    [Fact]
    public async Task What_the_local_store_finds_while_its_entry_is_judged_is_not_forgotten()
    {
        await PutAsync("k", _old);

        // The first two looks are before it is found; whoever asks after the second is told that all is known.
        var looks = 0;
        var isWhole = false;
        Near.Say = state => state with { Rebuilding = isWhole ? null : 0.5 };
        Near.Before = (call, _) =>
        {
            if (call is not (StoreCall.OpenRead or StoreCall.Stat) || ++looks > 2)
                return new(Ok);
            isWhole = looks == 2;
            return new(StoreStatus.Missing);
        };
        Start();
        await PassAsync(() => Waiting == 0, TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(1));
        (await FarStore.GetAsync(Blobs.Key("k"))).Content.ShouldBe(_old);
    }

    [Fact]
    public async Task A_newer_write_during_an_upload_is_what_is_published()
    {
        await PutAsync("k", _old);
        Far.Before = Once(StoreCall.Write, () => PutAsync("k", _new));
        Start();
        await EmptyAsync();
        (await FarStore.GetAsync(Blobs.Key("k"))).Content.ShouldBe(_new);
        Far.Count(StoreCall.Commit).ShouldBe(1, "the old version is not published");
    }

    [Fact]
    public async Task A_newer_write_waits_while_the_old_one_is_published_and_follows_it()
    {
        await PutAsync("k", _old);
        Task? newer = null;
        var hasWaited = false;
        Far.Before = Once(StoreCall.Commit, async () =>
        {
            newer = PutAsync("k", _new);
            await SettleAsync();
            hasWaited = !newer.IsCompleted;
        });
        Start();
        await Eventually.TrueAsync(() => newer is { IsCompletedSuccessfully: true }, Limit, "the newer write is acknowledged");
        await EmptyAsync();
        hasWaited.ShouldBeTrue("the key's gate is held");
        (await FarStore.GetAsync(Blobs.Key("k"))).Content.ShouldBe(_new);
    }

    [Fact]
    public async Task A_newer_write_is_not_sent_beside_the_old_one()
    {
        await PutAsync("k", _old);
        var sent = 0;
        Far.Before = Once(StoreCall.Write, async () =>
        {
            await PutAsync("k", _new);
            await SettleAsync();
            sent = Far.Count(StoreCall.OpenWrite);
        });
        Start();
        await EmptyAsync();
        sent.ShouldBe(1);
        (await FarStore.GetAsync(Blobs.Key("k"))).Content.ShouldBe(_new);
        Far.Count(StoreCall.OpenWrite).ShouldBe(2);
    }

    [Fact]
    public async Task What_is_deleted_during_an_upload_does_not_come_back()
    {
        await PutAsync("k", _old);
        Far.Before = Once(StoreCall.Write, () => DeleteAsync("k"));
        Start();
        await EmptyAsync();
        await SettleAsync();
        FarStore.Keys.ShouldBeEmpty();
        FarStore.OpenWriters.ShouldBe(0);
        Outbox.State.Parked.ShouldBe(0);
        Log.Lines.ShouldBeEmpty("a deletion is nothing to worry about");
    }

    [Fact]
    public async Task What_is_deleted_while_it_is_published_does_not_come_back()
    {
        await PutAsync("k", _old);
        Task? deletion = null;
        Far.Before = Once(StoreCall.Commit, async () =>
        {
            deletion = DeleteAsync("k");
            await SettleAsync();
        });
        Start();
        await Eventually.TrueAsync(() => deletion is { IsCompletedSuccessfully: true }, Limit, "the deletion is done");
        await SettleAsync();
        FarStore.Keys.ShouldBeEmpty();
        Waiting.ShouldBe(0);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task An_entry_that_is_seen_before_its_blob_is_published_is_not_used_up(bool hasOld)
    {
        var key = Blobs.Key("k");
        if (hasOld)
            await NearStore.PutAsync(key, _old);
        var uploader = Start();
        using (var held = (await Gate.EnterAsync(key, Limit, Cancel)).ShouldNotBeNull())
        {
            await Outbox.AddAsync(key, _new.Length, Cancel);
            uploader.Notify();
            await Eventually.TrueAsync(() => Near.Count(StoreCall.OpenRead) == 1 && (!hasOld || FarStore.OpenWriters == 1), Limit, "the uploader has seen the entry");
            await SettleAsync();
            Waiting.ShouldBe(1);
            await NearStore.PutAsync(key, _new, new PutOptions { Replace = true });
        }
        await EmptyAsync();
        (await FarStore.GetAsync(key)).Content.ShouldBe(_new);
        Far.Count(StoreCall.Commit).ShouldBe(1);
    }

    [Fact]
    public async Task A_refusal_of_what_was_there_before_the_entry_does_not_park_it()
    {
        var key = Blobs.Key("k");
        await NearStore.PutAsync(key, _old);
        Far.Before = Once(StoreCall.Write, static () => Task.CompletedTask, StoreStatus.TooLarge);
        var uploader = Start();
        using (var held = (await Gate.EnterAsync(key, Limit, Cancel)).ShouldNotBeNull())
        {
            await Outbox.AddAsync(key, _new.Length, Cancel);
            uploader.Notify();
            await Eventually.TrueAsync(() => Far.Count(StoreCall.Write) == 1, Limit, "the old version is refused");
            await SettleAsync();
            await NearStore.PutAsync(key, _new, new PutOptions { Replace = true });
        }
        await EmptyAsync();
        Outbox.State.Parked.ShouldBe(0);
        (await FarStore.GetAsync(key)).Content.ShouldBe(_new);
    }

    [Fact]
    public async Task A_refusal_of_the_old_version_does_not_park_the_new_one()
    {
        await PutAsync("k", _old);
        Far.Before = Once(StoreCall.Write, () => PutAsync("k", _new), StoreStatus.TooLarge);
        Start();
        await EmptyAsync();
        (await FarStore.GetAsync(Blobs.Key("k"))).Content.ShouldBe(_new);
        Outbox.State.Parked.ShouldBe(0);
    }

    [Fact]
    public async Task Nobody_waits_for_the_key_while_content_is_sent()
    {
        await PutAsync("k", _old);
        var entered = 0;
        ValueTask<StoreStatus> Enter(StoreCall call, BlobKey key) => call is StoreCall.OpenWrite or StoreCall.Write or StoreCall.OpenRead or StoreCall.Read ? EnterAsync(key) : new(Ok);
        async ValueTask<StoreStatus> EnterAsync(BlobKey key)
        {
            using var held = await Gate.EnterAsync(key, TimeSpan.Zero, Cancel);
            Interlocked.Add(ref entered, held is null ? -1000 : 1);
            return Ok;
        }
        (Far.Before, Near.Before) = (Enter, Enter);
        Start();
        await EmptyAsync();
        entered.ShouldBeGreaterThan(4);
    }

    [Fact]
    public async Task A_stop_in_the_middle_publishes_nothing_and_leaves_the_entry_for_the_next_start()
    {
        await PutAsync("k", _old);
        var begun = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var go = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Far.Before = Once(StoreCall.Write, () =>
        {
            begun.SetResult();
            return go.Task;
        });
        var uploader = Start();
        await begun.Task.WaitAsync(Limit, Cancel);
        var stopping = uploader.DisposeAsync().AsTask();
        stopping.IsCompleted.ShouldBeFalse("it waits for its own call");
        go.SetResult();
        await stopping.WaitAsync(Limit, Cancel);

        FarStore.Keys.ShouldBeEmpty();
        (FarStore.OpenWriters, NearStore.OpenReaders, Waiting).ShouldBe((0, 0, 1));
        uploader.Notify();
        Start();
        await EmptyAsync();
        (await FarStore.GetAsync(Blobs.Key("k"))).Content.ShouldBe(_old);
    }

    /// <summary>Does something before the first of a kind of calls, which then ends as said.</summary>
    private static Func<StoreCall, BlobKey, ValueTask<StoreStatus>> Once(StoreCall at, Func<Task> act, StoreStatus answer = Ok)
    {
        var done = 0;
        return async (call, _) =>
        {
            if (call != at || Interlocked.Exchange(ref done, 1) != 0)
                return Ok;
            await act();
            return answer;
        };
    }
}
