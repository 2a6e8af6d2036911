using EdgeCache.TestKit;
using EdgeCache.TestKit.Stores;
using Microsoft.Extensions.Logging;

namespace EdgeCache.Storage.Tests.Tiering;

/// <summary>A far store that fails for a while, for one blob or for all.</summary>
public sealed class UploadOutageTests : UploaderTest
{
    private const StoreStatus Ok = StoreStatus.Ok;

    [Theory]
    [InlineData(StoreStatus.Unavailable)]
    [InlineData(StoreStatus.NoSpace)]
    public async Task In_an_outage_few_tries_are_made_and_after_it_everything_goes_at_once(StoreStatus status)
    {
        for (var i = 0; i < 200; i++)
            await PutAsync($"k{i:d3}");
        var isOut = true;
        Far.Before = (call, _) => new(isOut && call == StoreCall.OpenWrite ? status : Ok);
        Start();
        await PassAsync(() => Log.Lines.Any(l => l.Level == LogLevel.Warning), TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(1));
        for (var i = 0; i < 20; i++)
        {
            Clock.Advance(TimeSpan.FromSeconds(30));
            await SettleAsync();
        }
        Far.Count(StoreCall.OpenWrite).ShouldBeLessThan(60, "ten minutes of an outage, 200 blobs");
        (Waiting, Outbox.State.Parked).ShouldBe((200, 0));

        isOut = false;
        Clock.Advance(TimeSpan.FromSeconds(30));
        await EmptyAsync();
        FarStore.Keys.Count.ShouldBe(200);
        Log.Lines.Count(l => l.Text.Contains("takes uploads again")).ShouldBe(1);
    }

    [Fact]
    public async Task After_an_outage_nobody_waits_for_as_long_as_it_lasted()
    {
        for (var i = 0; i < 6; i++)
            await PutAsync($"k{i}");
        var isOut = true;
        Far.Before = (call, _) => new(isOut && call == StoreCall.OpenWrite ? StoreStatus.Unavailable : Ok);
        Start();
        for (var i = 0; i < 60; i++)
        {
            Clock.Advance(TimeSpan.FromSeconds(30));
            await SettleAsync();
        }
        isOut = false;
        Clock.Advance(TimeSpan.FromSeconds(30));
        await EmptyAsync();
    }

    [Fact]
    public async Task One_that_fails_holds_up_no_other_and_waits_longer_each_time()
    {
        await PutAsync("bad");
        for (var i = 0; i < 50; i++)
            await PutAsync($"good{i}");
        Far.Before = (_, key) => new(key.Key == "bad" ? StoreStatus.Unavailable : Ok);
        Start();
        await Eventually.TrueAsync(() => Waiting == 1, Limit, "all others are there");
        await SettleAsync();
        int Tries() => Far.Count(StoreCall.OpenWrite, Blobs.Key("bad"));
        Tries().ShouldBe(1);

        var waits = new List<double>();
        for (var tries = 2; tries <= 4; tries++)
            waits.Add((await PassAsync(() => Tries() == tries, TimeSpan.FromMilliseconds(250), TimeSpan.FromMinutes(1))).TotalSeconds);

        waits[0].ShouldBeInRange(0.5, 1.5);
        waits[1].ShouldBeInRange(1.25, 2.5);
        waits[2].ShouldBeInRange(2.75, 4.75);
    }

    [Fact]
    public async Task Where_only_those_are_left_that_fail_a_new_one_goes_within_a_second()
    {
        for (var i = 0; i < 6; i++)
            await PutAsync($"bad{i}");
        Far.Before = (_, key) => new(key.Key.StartsWith("bad", StringComparison.Ordinal) ? StoreStatus.Unavailable : Ok);
        Start();
        for (var i = 0; i < 10; i++)
        {
            Clock.Advance(TimeSpan.FromMinutes(1));
            await SettleAsync();
        }
        await PutAsync("good");
        await PassAsync(() => FarStore.Keys.Count == 1, TimeSpan.FromMilliseconds(500), TimeSpan.FromSeconds(2));
    }

    [Fact]
    public async Task A_write_that_fails_is_not_tried_again_for_the_version_that_was_replaced()
    {
        await PutAsync("k", "old"u8.ToArray());
        var isOut = true;
        Far.Before = (_, _) => new(isOut ? StoreStatus.Unavailable : Ok);
        Start();
        await Eventually.TrueAsync(() => Far.Count(StoreCall.OpenWrite) == 1, Limit, "it was tried");
        await PutAsync("k", "new"u8.ToArray());
        await SettleAsync();
        isOut = false;
        await PassAsync(() => Waiting == 0, TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(1));
        Clock.Advance(TimeSpan.FromMinutes(10));
        await SettleAsync();
        (await FarStore.GetAsync(Blobs.Key("k"))).Content.ShouldBe("new"u8.ToArray());
        Far.Count(StoreCall.Commit).ShouldBe(1);
    }

    [Fact]
    public async Task A_stop_that_has_time_tries_everything_once_more_and_says_what_is_left()
    {
        var isOut = true;
        Far.Before = (call, key) => new(call == StoreCall.OpenWrite && (isOut || key.Key == "bad") ? StoreStatus.Unavailable : Ok);
        for (var i = 0; i < 20; i++)
            await PutAsync($"k{i}");
        await PutAsync("bad");
        var uploader = Start();
        for (var i = 0; i < 10; i++)
        {
            Clock.Advance(TimeSpan.FromMinutes(1));
            await SettleAsync();
        }
        isOut = false;

        var draining = uploader.DrainAsync(TimeSpan.FromSeconds(5), Cancel);

        await Eventually.TrueAsync(() => Waiting == 1, Limit, "what waited for its turn is tried at once");
        draining.IsCompleted.ShouldBeFalse();
        Clock.Advance(TimeSpan.FromSeconds(5));
        (await draining.WaitAsync(Limit, Cancel)).Waiting.ShouldBe(1);
        Log.Lines.ShouldContain(l => l.Text.Contains("1 blobs are still in the outbox"));
    }
}
